"""Music in four voices of a grammar whose entropy is known."""

from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.config.parts import PARTS
from descant.scores.parts import CLASSES, HELD, PITCHES, VOICES, decode
from descant.scores.polyphony import DURATIONS, encode
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence

# a chord a quarter, of two choices after the first: the root goes up or down, and the bass is doubled below or not
NATS_A_TOKEN = 2 * log(2) / (4 * len(VOICES))


def chorale(measures: int, seed: int) -> npt.NDArray[np.uint8]:
    """Tokens ``(16 * measures, 4)``: soprano, alto, tenor and bass move together, a quarter at a time."""
    random = np.random.default_rng(seed)
    tokens = np.full((16 * measures, len(VOICES)), HELD, dtype=np.uint8)
    root = random.integers(12)
    for step in range(0, len(tokens), 4):
        root = (root + random.choice([1, -1])) % 12
        tokens[step] = 72 + root, 67 + root, 60 + root, 48 + root - 12 * random.integers(2)
    return tokens


def pack_chorales(folder: Path, measures: int = 8, tracks: int = 30) -> PackedSequence:
    """The sequence ``parts`` of such music, in three splits."""
    with SequenceWriter(folder / PARTS, CLASSES, 1, 4, channels=len(VOICES), unit="quarter") as writer:
        for number in range(tracks):
            split = {0: "validation", 1: "test"}.get(number % 10, "train")
            writer.add(f"{number:016x}", split, Labels(), [chorale(measures, number)])
    return open_sequence(folder / PARTS)


def roll_of(measures: int, seed: int) -> npt.NDArray[np.uint8]:
    """The same music as a roll of two voices, its upper and its lower two, two notes at once, held over a beat."""
    lines = decode(chorale(measures, seed))
    voices = [sorted(lines[0] + lines[1], key=lambda one: one.onset), lines[2] + lines[3]]
    longer = [[replace(one, end=min(16 * measures, one.end + 2)) for one in notes] for notes in voices]
    return encode(longer, 16 * measures)


def pack_rolls(folder: Path, measures: int = 8, tracks: int = 20) -> PackedSequence:
    """The sequence ``parts`` of such music, in three splits."""
    with SequenceWriter(folder / PARTS, DURATIONS, 1, 4, channels=2 * PITCHES, unit="quarter") as writer:
        for number in range(tracks):
            split = {0: "validation", 1: "test"}.get(number % 10, "train")
            roll = roll_of(measures, number)
            writer.add(f"{number:016x}", split, Labels(), [roll.reshape(len(roll), -1)])
    return open_sequence(folder / PARTS)
