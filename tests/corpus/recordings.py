"""Recordings that the tests of the corpus make."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile


def tone(seconds: float = 0.5, rate: int = 16000, channels: int = 1, pitch: float = 440.0) -> npt.NDArray[np.float64]:
    """A tone ``(frames, channels)``, another pitch in each channel."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * pitch * time[:, None] * (1 + np.arange(channels)))


def write(path: Path | bytes, audio: npt.NDArray[Any], rate: int = 16000, subtype: str | None = None) -> None:
    """Write a recording in the format of its suffix, whatever the bytes of its name."""
    suffix = os.fsencode(path).rpartition(b".")[2].decode().upper()
    container = {"OGA": "OGG", "AIF": "AIFF"}.get(suffix, suffix)
    soundfile.write(os.fsencode(path), audio, rate, format=container, subtype=subtype)
