"""The log-mel spectrogram: librosa's, with a frame for every step."""

import librosa
import numpy as np
import pytest

from descant.audio.logmel import FLOOR, SILENCE, WINDOW, log_mel


@pytest.mark.filterwarnings("ignore:n_fft=1024 is too large")
@pytest.mark.parametrize("length", [1, 128, 1000, 1024, 5000])
@pytest.mark.parametrize(("rate", "step", "bands"), [(16000, 128, 80), (22050, 256, 64)])
def test_it_is_librosa_s(length: int, rate: int, step: int, bands: int) -> None:
    audio = np.random.default_rng(length).uniform(-0.8, 0.8, length)
    theirs = librosa.feature.melspectrogram(
        y=audio, sr=rate, n_fft=WINDOW, hop_length=step, n_mels=bands, power=1.0, pad_mode="constant"
    )
    ours = log_mel(audio, rate, step, bands)
    assert ours.dtype == np.float32 and ours.shape == (-(-length // step), bands)
    np.testing.assert_allclose(ours, np.log(np.maximum(theirs, FLOOR)).T[: len(ours)], atol=1e-4)


def test_silence_is_minus_100_db() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(1000), 16000), SILENCE)
    assert 20 * np.log10(FLOOR) == pytest.approx(-100)


def test_a_frame_is_centred_on_the_first_sample_of_its_step() -> None:
    audio = np.zeros(128 * 40)
    audio[128 * 17] = 1
    loudest = log_mel(audio, 16000).sum(1)
    assert loudest.argmax() == 17
    np.testing.assert_allclose(loudest[17 - 3 : 17], loudest[17 + 3 : 17 : -1])
