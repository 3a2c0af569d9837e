"""Recordings that the tests of the corpus make."""

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from descant.audio.fingerprint import Words, fingerprint


def tone(seconds: float = 0.5, rate: int = 16000, channels: int = 1, pitch: float = 440.0) -> npt.NDArray[np.float64]:
    """A tone ``(frames, channels)``, another pitch in each channel."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * pitch * time[:, None] * (1 + np.arange(channels)))


def write(path: Path | bytes, audio: npt.NDArray[Any], rate: int = 16000, subtype: str | None = None) -> None:
    """Write a recording in the format of its suffix, whatever the bytes of its name."""
    suffix = os.fsencode(path).rpartition(b".")[2].decode().upper()
    container = {"OGA": "OGG", "OPUS": "OGG", "AIF": "AIFF"}.get(suffix, suffix)
    subtype = "OPUS" if suffix == "OPUS" else subtype
    soundfile.write(os.fsencode(path), audio, rate, format=container, subtype=subtype)


def melody(seed: int, seconds: float, rate: int) -> npt.NDArray[np.float64]:
    """Plucked chords ``(frames, 1)`` of a scale, another piece for each seed."""
    random = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * rate))
    for onset in np.arange(0, seconds, random.choice([0.2, 0.25, 0.3])):
        start, partials = round(onset * rate), np.arange(1, 6)[:, None]
        time = np.arange(min(len(audio) - start, 2 * rate)) / rate
        for pitch in 110 * 2 ** (random.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 24], 2) / 12):
            audio[start : start + len(time)] += np.sum(
                0.06 / partials * np.sin(2 * np.pi * pitch * partials * time) * (pitch * partials < rate / 2), axis=0
            ) * np.exp(-4 * time)
    return audio[:, None]


def fingerprint_of(audio: npt.NDArray[np.floating], rate: int, sizes: tuple[int, ...] = (16384,)) -> Words:
    """Fingerprint of a recording ``(frames, channels)`` that comes in blocks of these sizes in turn."""
    bounds = np.cumsum([0, *itertools.islice(itertools.cycle(sizes), 1 + len(audio) // min(sizes))])
    blocks = (audio[start:end].astype(np.float32) for start, end in itertools.pairwise(bounds))
    return fingerprint((block for block in blocks if len(block)), rate)


def most_resident() -> int:
    """Most memory that this process ever held, bytes; on Linux. Here, where importing it takes little itself."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
