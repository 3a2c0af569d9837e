import librosa
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio import mel
from descant.config.mel import Mel


@pytest.mark.parametrize(("rate", "n_fft", "bands"), [(16000, 1024, 80), (22050, 2048, 128), (8000, 512, 40)])
def test_filters_equal_librosa(rate: int, n_fft: int, bands: int) -> None:
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, dtype=np.float64)
    ours = mel.mel_filters(rate, n_fft, bands)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * expected.max())


def test_spectrogram_equals_librosa() -> None:
    audio = np.random.default_rng(1).standard_normal(20_000)
    expected = librosa.feature.melspectrogram(
        y=audio, sr=16000, n_fft=1024, hop_length=256, n_mels=80, pad_mode="constant"
    )
    ours = mel.mel_spectrogram(audio, 16000, 1024, 256, 80)
    assert ours.shape == expected.shape == (80, 1 + 20_000 // 256)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * expected.max())


@pytest.mark.parametrize("window", [557, 558, 1024])
def test_a_window_is_centred_in_a_longer_transform_as_librosa_s(window: int) -> None:
    audio = np.random.default_rng(1).standard_normal(5000)
    expected = np.abs(librosa.stft(audio, n_fft=1024, hop_length=93, win_length=window, pad_mode="constant")) ** 2
    ours = mel.power_spectrogram(audio, 1024, 93, window).T
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9 * expected.max())


@given(st.floats(0, 48000))
def test_mel_and_hertz_are_inverse(hertz: float) -> None:
    there = mel.hz_to_mel(np.array(hertz))
    assert float(mel.mel_to_hz(there)) == pytest.approx(hertz, rel=1e-9, abs=1e-9)
    assert float(there) == pytest.approx(float(librosa.hz_to_mel(hertz)), rel=1e-9, abs=1e-9)


def test_decibel_span() -> None:
    power = np.array([[1.0, 1e-3], [1e-12, 0.0]])
    np.testing.assert_allclose(mel.to_decibel(power), [[0, -30], [-80, -80]])
    assert np.isfinite(mel.to_decibel(np.zeros((2, 2)))).all()


def spectrogram_of(audio: npt.NDArray[np.float64], settings: Mel, size: int) -> npt.NDArray[np.float16]:
    blocks = [audio[start : start + size] for start in range(0, len(audio), size)]
    return np.concatenate([np.zeros((0, settings.bands), np.float16), *mel.log_mel(blocks, 16000, settings)])


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("length", [1, 127, 128, 129, 1000, 40_000, 256 * 128 + 512, 256 * 128 + 513])
def test_log_mel_equals_librosa(length: int) -> None:
    audio = 0.3 * np.random.default_rng(length).standard_normal(length) * np.linspace(1, 0, length) ** 4
    expected = librosa.feature.melspectrogram(
        y=audio, sr=16000, n_fft=1024, hop_length=128, n_mels=80, power=1.0, pad_mode="constant"
    )
    found = spectrogram_of(audio, Mel(), 4096)
    assert found.shape == (-(-length // 128), 80) and found.dtype == np.float16
    # librosa has one frame more where the step divides the length
    np.testing.assert_allclose(found, np.log(np.maximum(expected.T[: len(found)], 1e-5)), rtol=1e-3, atol=1e-3)


@given(st.integers(1, 9000), st.integers(1, 5000), st.sampled_from([(512, 128), (64, 64), (256, 100)]))
def test_log_mel_does_not_depend_on_blocks(length: int, size: int, form: tuple[int, int]) -> None:
    settings = Mel(bands=20, window=form[0], step=form[1])
    audio = np.random.default_rng(length).standard_normal(length)
    np.testing.assert_array_equal(spectrogram_of(audio, settings, size), spectrogram_of(audio, settings, length))


def test_silence_is_the_floor() -> None:
    found = spectrogram_of(np.zeros(1000), Mel(floor_db=-60), 1000)
    np.testing.assert_allclose(found, np.log(1e-3), rtol=1e-3)
