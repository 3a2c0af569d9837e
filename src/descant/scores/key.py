"""Key: how well pitch classes fit one, by the probe-tone profiles."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from descant.scores.parts import SILENCE, Grid, sounding

# Krumhansl, Cognitive Foundations of Musical Pitch (1990), table 2.1: ratings of Krumhansl & Kessler (1982)
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PITCH_CLASSES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
NAMES = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in PITCH_CLASSES)
FLAT = 1e-6
A_MINOR = 9
# added to a correlation; ours. Of 318 chorales 265 keys then have the signature that is written, without it 236
LAST_NOTE = 0.2


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


def key_of(grid: Grid) -> str | None:
    """The key of a grid ``(steps, voices)``; None in silence.

    Of what sounds, by Krumhansl and Schmuckler's algorithm, which often takes the dominant for the tonic: so the last
    note of the lowest voice counts for the keys on it.
    """
    sounds = sounding(grid)
    fits = key_fits(np.bincount(sounds[sounds != SILENCE] % 12, minlength=12).astype(np.float64))
    if fits is None:
        return None
    lowest = sounds[:, -1][sounds[:, -1] != SILENCE]
    if len(lowest):
        fits[lowest[-1] % 12 :: 12] += LAST_NOTE
    return NAMES[int(fits.argmax())]


def sharps_of(key: str | None) -> int:
    """Sharps of a key's signature, below 0 flats, from 6 flats to 5 sharps; 0 where there is no key."""
    if key is None:
        return 0
    at = NAMES.index(key)
    # a minor key has the signature of the major one three semitones up; a fifth up is one sharp more
    major = at if at < 12 else (at - A_MINOR) % 12
    return (7 * major + 6) % 12 - 6


def spelled(pitch: int, sharps: int) -> tuple[str, int]:
    """A MIDI pitch as it is written in a key: the seven notes of the key, and those nearest by fifths.

    Args:
        pitch: MIDI number.
        sharps: of the key's signature, below 0 flats.

    Returns:
        The name as music21 writes it, ``-`` for a flat, and the octave, in which C4 is pitch 60.
    """
    # along the fifths C is 0, G 1, F -1; of C major: from E flat, -3, to G sharp, 8
    fifths = (7 * pitch - sharps + 3) % 12 + sharps - 3
    letter, accidentals = "FCGDAEB"[(fifths + 1) % 7], (fifths + 1) // 7
    octave = (pitch - accidentals) // 12 - 1
    return letter + ("#" * accidentals if accidentals > 0 else "-" * -accidentals), octave
