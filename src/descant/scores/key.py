"""Key: how well pitch classes fit one, by the probe-tone profiles."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Krumhansl, Cognitive Foundations of Musical Pitch (1990), table 2.1: ratings of Krumhansl & Kessler (1982)
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PITCH_CLASSES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
NAMES = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_CLASSES)
FLAT = 1e-6


@dataclass(frozen=True)
class Key:
    """The key that fits best.

    Attributes:
        name: ``C major`` …
        strength: correlation of the pitch classes with its profile, in [-1, 1].
    """

    name: str
    strength: float


def key_fits(chroma: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """How well pitch classes fit each of 24 keys: their correlation with its profile.

    Args:
        chroma: strength of the pitch classes ``(12,)`` from C; NaN in silence.

    Returns:
        ``(24,)`` in the order of :data:`NAMES`; None where the pitch classes are silent or all alike.
    """
    centred = chroma - chroma.mean()
    norm = float(np.sqrt((centred**2).sum()))
    if not norm > FLAT:
        return None
    profiles = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
    profiles -= profiles.mean(1, keepdims=True)
    fits: npt.NDArray[np.float64] = profiles @ centred / (np.sqrt((profiles**2).sum(1)) * norm)
    return fits


def find_key(chroma: npt.NDArray[np.float64]) -> Key | None:
    """The best of 24 keys (Krumhansl & Schmuckler's algorithm); see :func:`key_fits`.

    Returns:
        None where the pitch classes are silent or all alike.
    """
    fits = key_fits(chroma)
    if fits is None:
        return None
    best = int(fits.argmax())
    return Key(NAMES[best], float(fits[best]))
