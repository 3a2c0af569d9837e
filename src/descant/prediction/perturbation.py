"""A past with noise in it, that a network learns from: see :class:`descant.config.networks.Perturbation`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from descant.audio import mulaw
from descant.config.networks import Perturbation
from descant.seeds import derive_seed

# the music is taken as no quieter, so that silence gets noise too
QUIETEST = 1e-4
# of a track at a time, in stretches: memory does not grow with its length
BLOCK = 16


def perturb_track(
    classes: npt.NDArray[Any], settings: Perturbation, seed: int, track: str
) -> Iterator[npt.NDArray[np.uint8]]:
    """Mix a track with noise, and silence some of it, stretch by stretch.

    Args:
        classes: mu-law ``(length,)``, mapped or in memory.
        settings: how much.
        seed: root seed; what is done follows from it, the track's id and the place alone.
        track: the track's id.

    Yields:
        uint8 mu-law classes, together as long as the track.
    """
    block = BLOCK * settings.stretch
    for start in range(0, len(classes), block):
        audio = mulaw.SAMPLES[np.asarray(classes[start : start + block])].astype(np.float64)
        numbers = np.random.Generator(np.random.Philox(derive_seed(seed, "perturbation", track, start)))
        for first in range(0, len(audio), settings.stretch):
            stretch = audio[first : first + settings.stretch]
            chosen, level = numbers.uniform(size=2)
            if chosen < settings.hidden:
                stretch[:] = 0
            elif chosen < settings.hidden + settings.noisy:
                decibels = settings.least_level + level * (settings.most_level - settings.least_level)
                loudness = max(float(np.sqrt(np.mean(stretch**2))), QUIETEST)
                stretch += 10 ** (decibels / 20) * loudness * numbers.standard_normal(len(stretch))
        yield mulaw.encode(audio)
