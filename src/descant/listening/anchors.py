"""Clips that are bad in a known way, made from real music, and what every clip goes through before it is heard."""

import numpy as np
import numpy.typing as npt
import scipy.signal

Audio = npt.NDArray[np.float64]

# below hearing: what a model that hangs at one value draws is silence, and lowers no item's level; ours
RUMBLE_HZ = 20.0
BLOCKS = 8
JOIN_SECONDS = 0.01


def without_rumble(audio: npt.NDArray[np.floating], sample_rate: int) -> Audio:
    """Take out what is below 20 Hz, a constant offset with it (Butterworth, fourth order).

    Args:
        audio: ``(time,)``.
        sample_rate: Hz.
    """
    filters = scipy.signal.butter(4, RUMBLE_HZ, "highpass", fs=sample_rate, output="sos")
    given = np.asarray(audio, dtype=np.float64)
    if not len(given):
        return given
    # as if the first value had stood for ever: a constant starts and stays at 0
    filtered, _ = scipy.signal.sosfilt(filters, given, zi=scipy.signal.sosfilt_zi(filters) * given[0])
    return np.asarray(filtered)


def faded(audio: Audio, sample_rate: int, milliseconds: float) -> Audio:
    """Fade a clip in and out by half a cosine; each end at most half of the clip.

    Args:
        audio: ``(time,)``.
        sample_rate: Hz.
        milliseconds: length of each fade.
    """
    count = min(round(milliseconds * sample_rate / 1000), len(audio) // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(count, 1))
    shaped = audio.copy()
    shaped[:count] *= ramp
    shaped[len(audio) - count :] *= ramp[::-1]
    return shaped


def white_noise(length: int, seed: int) -> Audio:
    """Gaussian white noise ``(time,)`` at -20 dB re full scale."""
    return np.asarray(0.1 * np.random.default_rng(seed).standard_normal(length))


def degraded(audio: Audio, sample_rate: int, lowpass_hz: float, noise_db: float, seed: int) -> Audio:
    """Low fidelity, the same music: a low-pass and white noise.

    Args:
        audio: ``(time,)``.
        sample_rate: Hz.
        lowpass_hz: corner of an eighth-order Butterworth filter; not above a quarter of the rate, so that it is heard.
        noise_db: power of the music above that of the noise, dB.
        seed: of the noise.
    """
    corner = min(lowpass_hz, sample_rate / 4)
    filters = scipy.signal.butter(8, corner, "lowpass", fs=sample_rate, output="sos")
    dull = scipy.signal.sosfilt(filters, audio)
    noise = white_noise(len(audio), seed)
    power, of_noise = float(np.mean(dull**2)), float(np.mean(noise**2))
    gain = np.sqrt(power / of_noise / 10 ** (noise_db / 10)) if of_noise else 0.0
    return np.asarray(dull + gain * noise)


def shuffled(audio: Audio, sample_rate: int, block_seconds: float, seed: int) -> Audio:
    """Low musicality, the same sound: blocks of the music in another order, with short crossfades.

    No block is followed by the one that it was followed by.

    Args:
        audio: ``(time,)``.
        sample_rate: Hz.
        block_seconds: length of a block, at most; there are eight at least.
        seed: of the order.
    """
    count = max(BLOCKS, round(len(audio) / sample_rate / block_seconds))
    bounds = np.linspace(0, len(audio), count + 1).round().astype(int)
    lengths = np.diff(bounds)
    order = _without_neighbours(count, np.random.default_rng(seed))
    join = min(round(JOIN_SECONDS * sample_rate), int(lengths.min()))
    ramp = (np.arange(join) + 0.5) / max(join, 1)
    mixed = np.concatenate([audio[bounds[block] : bounds[block + 1]] for block in order])
    starts = np.cumsum(lengths[order])[:-1]
    for start, before in zip(starts, order[:-1], strict=True):
        # what followed the block before in the music fades out while this one fades in
        rest = audio.take(np.arange(bounds[before + 1], bounds[before + 1] + join), mode="wrap")
        mixed[start : start + join] = ramp * mixed[start : start + join] + (1 - ramp) * rest
    return mixed


def _without_neighbours(count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    while True:
        order = random.permutation(count)
        if not (np.diff(order) == 1).any():
            return np.asarray(order)
