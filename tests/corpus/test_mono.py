from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import melody

from descant.audio import mulaw
from descant.config.corpus import Audio, Downmix
from descant.corpus.encode import encode_shard
from descant.corpus.mono import Mixer
from descant.corpus.table import REJECTED, USED, Entry
from descant.recordings import open_recordings
from descant.sequences import open_sequence

RATE = 16000


def encode(
    folder: Path, audio: npt.NDArray[np.float64], downmix: Downmix = "auto", rate: int = RATE
) -> tuple[Entry, npt.NDArray[np.int16]]:
    """The entry and the 16-bit samples of a recording ``(frames, channels)``."""
    soundfile.write(folder / "a.wav", audio, rate, subtype="FLOAT")
    entry = Entry("a", "a", "a.wav", len(audio) / rate, rate, audio.shape[1], USED, "", "", "")
    [after] = encode_shard([entry], folder, folder / "s", folder / "w", Audio(sample_rate=RATE), downmix)
    recordings = open_recordings(folder / "w")
    assert len(recordings.tracks()) == after.is_used
    if after.is_used:
        steps, [track] = open_sequence(folder / "s"), recordings.tracks()
        assert after.seconds == track.length / RATE
        # 16 bits are coarser than the smallest classes
        error = steps.data.astype(int) - mulaw.encode(recordings.data / np.float32(1 << 15)).astype(int)
        assert np.abs(error).max() <= 1
    return after, np.asarray(recordings.data)


def song(seed: int = 0, seconds: float = 4.0) -> npt.NDArray[np.float64]:
    return melody(seed, seconds, RATE)[:, 0]


def as_samples(audio: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    return np.rint(audio.astype(np.float32).astype(np.float64) * (1 << 15)).astype(np.int16)


def test_channels_that_cancel_are_music_all_the_same(tmp_path: Path) -> None:
    audio = song()
    inverted = np.stack([audio, -audio], axis=1)
    entry, samples = encode(tmp_path, inverted)
    assert entry.is_used and entry.reason == "the mean of its channels is silent; channel 1 alone is used"
    np.testing.assert_array_equal(samples, as_samples(audio))
    entry, _ = encode(tmp_path, inverted, "mean")
    assert entry.status == REJECTED
    assert entry.reason == "silent: its channels cancel each other; set corpus.downmix to auto or loudest"
    entry, _ = encode(tmp_path, np.stack([audio, -0.9 * audio], axis=1), "mean")
    assert entry.is_used and entry.reason == "the mean of its channels is 26 dB below the loudest"


@pytest.mark.parametrize(("downmix", "gains"), [("left", (1, 0, 0)), ("right", (0, 1, 0)), ("loudest", (0, 0, 1))])
def test_a_channel_by_itself(tmp_path: Path, downmix: Downmix, gains: tuple[int, int, int]) -> None:
    channels = [0.5 * song(1), 0.4 * song(2), song(3)]
    entry, samples = encode(tmp_path, np.stack(channels, axis=1), downmix)
    assert entry.is_used and not entry.reason
    np.testing.assert_array_equal(samples, as_samples(sum(g * c for g, c in zip(gains, channels, strict=True))))


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_auto_never_turns_music_into_silence(channels: int, of_them: int, seed: int) -> None:
    """Whatever the channels' signs and levels: what is taken is at most 10 dB below the loudest channel."""
    random = np.random.default_rng(seed)
    mono = random.standard_normal(RATE)
    gains = random.choice([-1, -0.5, 0, 0.5, 1], channels)
    gains[of_them % channels] = 1
    block = (mono[:, None] * gains + 1e-3 * random.standard_normal((RATE, channels))).astype(np.float32)
    mixer = Mixer(channels, None)
    mixed = mixer.mix(block)
    if mixer.cancels:
        mixed = Mixer(channels, mixer.loudest).mix(block)
    energies = np.square(block).sum(axis=0)
    assert np.square(mixed).sum() > 0.099 * energies.max()
    # channels of one level are as loud as each other
    assert energies[mixer.loudest] == pytest.approx(energies.max(), rel=1e-3)


def test_a_part_that_cancels_is_reported(tmp_path: Path) -> None:
    audio = np.stack([song(4, 8.0)] * 2, axis=1)
    assert encode(tmp_path, audio)[0].reason == ""
    audio[: 2 * RATE, 1] *= -1
    entry, samples = encode(tmp_path, audio)
    assert entry.is_used and entry.reason.endswith("of it the mean of its channels is over 20 dB below the loudest")
    assert 20 < int(entry.reason.split("%")[0].removeprefix("in ")) < 30
    # most of it is mixed as ever
    np.testing.assert_array_equal(samples[2 * RATE :], as_samples(audio[2 * RATE :, 0]))
    audio[: 6 * RATE, 1] = -audio[: 6 * RATE, 0]
    reason = encode(tmp_path, audio)[0].reason
    assert reason.startswith("in ") and reason.endswith("below the loudest; channel 1 alone is used")


def test_quiet_music_and_a_strong_constant_are_reported(tmp_path: Path) -> None:
    audio = song(5)[:, None]
    loud = audio / np.abs(audio).max()
    assert encode(tmp_path, 0.1 * loud)[0].reason == ""
    entry, _ = encode(tmp_path, 10 ** (-76 / 20) * loud)
    assert entry.is_used
    classes = len(np.unique(open_sequence(tmp_path / "s").data))
    assert f"mu-law leaves {classes} of its 256 classes" in entry.reason and classes < 6
    entry, _ = encode(tmp_path, 0.01 * loud + 0.5)
    assert entry.is_used and "a constant value (DC) of 0.50 in it is stronger than the sound" in entry.reason
    assert "mu-law leaves" in entry.reason


def test_what_is_above_the_models_rate_is_no_music(tmp_path: Path) -> None:
    time = np.arange(192_000) / 192_000
    calls = 0.3 * np.sin(2 * np.pi * 45_000 * time)
    # switched on at once, it leaves a click
    entry, _ = encode(tmp_path, calls[:, None], rate=192_000)
    assert entry.is_used and "audio.sample_rate, 16000 Hz, is too low for it" in entry.reason
    entry, _ = encode(tmp_path, (calls * np.hanning(len(calls)))[:, None], rate=192_000)
    assert entry.status == REJECTED
    assert entry.reason == "silent at audio.sample_rate, 16000 Hz: all of its sound is above what that rate holds"


def test_signal_to_noise_is_that_of_the_definition(tmp_path: Path) -> None:
    audio = 10 ** (-66 / 20) * song(6)[:, None]
    audio -= audio.mean()
    entry, _ = encode(tmp_path, audio, rate=22050)
    resampled = soxr.resample(audio[:, 0].astype(np.float32), 22050, RATE)
    noise = resampled - mulaw.decode(mulaw.encode(resampled))
    snr = 10 * np.log10(np.square(resampled).mean() / np.square(noise).mean())
    assert f"a signal-to-noise ratio of {snr:.0f} dB" in entry.reason
