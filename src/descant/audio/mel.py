"""Spectrograms, and mel spectrograms for figures and to learn from: Slaney's filters, equal to librosa's defaults."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from descant.config.mel import Mel

# frames of a log-mel spectrogram at a time, always as many: a product's last bits depend on its size
FRAMES = 256


def hz_to_mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Slaney's mel scale: linear to 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    linear = hertz / (200.0 / 3)
    logarithmic = 15.0 + 27.0 / np.log(6.4) * np.log(np.maximum(hertz, 1e-10) / 1000.0)
    return np.where(hertz < 1000.0, linear, logarithmic)


def mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of :func:`hz_to_mel`."""
    return np.where(mel < 15.0, mel * (200.0 / 3), 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))


def band_edges(sample_rate: int, bands: int) -> npt.NDArray[np.float64]:
    """Where triangular bands from 0 Hz to the Nyquist frequency begin, peak and end: band ``n`` at ``n`` to ``n + 2``.

    Returns:
        Hz, float64 ``(bands + 2,)``.
    """
    return mel_to_hz(np.linspace(0.0, hz_to_mel(np.array(sample_rate / 2)), bands + 2))


def mel_filters(sample_rate: int, n_fft: int, bands: int) -> npt.NDArray[np.float64]:
    """Triangular filters of equal area from 0 Hz to the Nyquist frequency.

    Returns:
        float64 ``(bands, n_fft // 2 + 1)``.
    """
    edges = band_edges(sample_rate, bands)
    bins = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    rising = (bins[None, :] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins[None, :]) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * area[:, None])


def _periodic_hann(window: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.hanning(window + 1)[:-1])


def power_spectrogram(
    audio: npt.NDArray[np.floating], n_fft: int = 1024, step: int = 256, window: int | None = None
) -> npt.NDArray[np.float64]:
    """Power of a short-time Fourier transform, with centred, zero-padded Hann windows.

    Args:
        audio: ``(time,)``.
        n_fft: transform length, samples.
        step: samples between frames.
        window: length, samples; None: that of the transform.

    Returns:
        float64 ``(1 + time // step, n_fft // 2 + 1)``.
    """
    width = n_fft if window is None else window
    # as others centre a window in a longer transform: of an odd one the middle
    before = n_fft // 2 - (n_fft - width) // 2
    padded = np.pad(np.asarray(audio, dtype=np.float64), (before, width - before))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::step]
    return np.asarray(np.abs(np.fft.rfft(frames * _periodic_hann(width), n_fft, axis=-1)) ** 2)


def mel_spectrogram(
    audio: npt.NDArray[np.floating], sample_rate: int, n_fft: int = 1024, step: int = 256, bands: int = 80
) -> npt.NDArray[np.float64]:
    """Power in mel bands, with centred, zero-padded Hann windows.

    Args:
        audio: ``(time,)``.
        sample_rate: Hz.
        n_fft: window and transform length, samples.
        step: samples between frames.
        bands: mel bands.

    Returns:
        float64 ``(bands, 1 + time // step)``.
    """
    return np.asarray(mel_filters(sample_rate, n_fft, bands) @ power_spectrogram(audio, n_fft, step).T)


def to_decibel(power: npt.NDArray[np.float64], span: float = 80.0) -> npt.NDArray[np.float64]:
    """Power relative to its largest value, in dB, not lower than ``-span``."""
    reference = max(float(power.max(initial=0.0)), 1e-10)
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, 1e-10) / reference), -span))


def log_mel(
    blocks: Iterable[npt.NDArray[np.floating]], sample_rate: int, settings: Mel
) -> Iterator[npt.NDArray[np.float16]]:
    """Natural logarithm of magnitudes in mel bands, block by block: what Mel2Mel learns (Kim et al. 2019).

    Frame ``i`` is centred on sample ``i * step``; before and after the audio there are zeros. The same values come out
    however the audio is cut into blocks, and memory does not grow with its length.

    Args:
        blocks: audio in order, each ``(time,)``; full scale is 1.
        sample_rate: Hz.
        settings: bands, window, step and floor.

    Yields:
        ``(frames, bands)``, together as many frames as steps cover the audio, the last one partly.
    """
    filters, hann = mel_filters(sample_rate, settings.window, settings.bands).T, _periodic_hann(settings.window)
    floor = 10 ** (settings.floor_db / 20)
    for stretch, count in _stretches(blocks, settings.window, settings.step):
        frames = np.lib.stride_tricks.sliding_window_view(stretch, settings.window)[:: settings.step]
        magnitudes = np.abs(np.fft.rfft(frames * hann, axis=-1)) @ filters
        yield np.log(np.maximum(magnitudes[:count], floor)).astype(np.float16)


def _stretches(
    blocks: Iterable[npt.NDArray[np.floating]], window: int, step: int
) -> Iterator[tuple[npt.NDArray[np.float64], int]]:
    """Audio of ``FRAMES`` frames each, and how many of these frames there are: fewer in the last."""
    length = (FRAMES - 1) * step + window
    held, samples, done = np.zeros(window // 2), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        samples += len(block)
        while len(held) >= length:
            yield held[:length], FRAMES
            held, done = held[FRAMES * step :], done + FRAMES
    frames = -(-samples // step)
    while done < frames:
        yield np.pad(held[:length], (0, max(0, length - len(held)))), min(FRAMES, frames - done)
        held, done = held[FRAMES * step :], done + FRAMES
