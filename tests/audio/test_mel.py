import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio import mel


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


@given(st.floats(0, 48000))
def test_mel_and_hertz_are_inverse(hertz: float) -> None:
    there = mel.hz_to_mel(np.array(hertz))
    assert float(mel.mel_to_hz(there)) == pytest.approx(hertz, rel=1e-9, abs=1e-9)
    assert float(there) == pytest.approx(float(librosa.hz_to_mel(hertz)), rel=1e-9, abs=1e-9)


def test_decibel_span() -> None:
    power = np.array([[1.0, 1e-3], [1e-12, 0.0]])
    np.testing.assert_allclose(mel.to_decibel(power), [[0, -30], [-80, -80]])
    assert np.isfinite(mel.to_decibel(np.zeros((2, 2)))).all()
