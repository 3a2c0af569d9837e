"""Mu-law companding to 256 classes and back (ITU-T G.711's curve, mu = 255, as in WaveNet 2016)."""

import numpy as np
import numpy.typing as npt

from descant.errors import SequenceError

CLASSES = 256
MU = CLASSES - 1


def check_classes(classes: int, name: str) -> None:
    """Refuse a sequence that is no mu-law audio.

    Raises:
        SequenceError: when its steps have another number of classes.
    """
    if classes != CLASSES:
        raise SequenceError(f"{name} has {classes} classes, mu-law audio has {CLASSES}", "give results/sequences/audio")


def encode(audio: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Compand and quantise.

    Args:
        audio: floats ``(..., time)``; what lies outside [-1, 1] is clipped.

    Returns:
        uint8 classes of the same shape; silence is class 128.
    """
    clipped = np.clip(np.asarray(audio, dtype=np.float64), -1.0, 1.0)
    companded = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    classes: npt.NDArray[np.uint8] = np.floor((companded + 1) / 2 * MU + 0.5).astype(np.uint8)
    return classes


def decode(classes: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.float32]:
    """Expand classes to the middle of what they stand for.

    Args:
        classes: integers 0 … 255, ``(..., time)``.

    Returns:
        float32 in [-1, 1]; ``encode(decode(c)) == c`` for every class.
    """
    companded = 2 * np.asarray(classes, dtype=np.float64) / MU - 1
    expanded = np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(MU)) / MU
    audio: npt.NDArray[np.float32] = expanded.astype(np.float32)
    return audio


# float32 ``(256,)``, the sample that each class stands for
SAMPLES = decode(np.arange(CLASSES, dtype=np.uint8))
