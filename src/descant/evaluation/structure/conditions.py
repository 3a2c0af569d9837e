"""Which excerpts are measured: of drawn audio, of real music spread over its tracks, and real ones degraded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from descant.config.structure import Structure
from descant.errors import SamplingError
from descant.evaluation.material import Excerpt, drawn_excerpts, read_drawn, real_excerpts, shuffled, white_noise
from descant.sequences import PackedSequence, open_sequence

REAL, SHUFFLED, NOISE, DRAWN = "real", "shuffled", "noise", "drawn"


def spread_excerpts(sequence: PackedSequence, split: str, seconds: float, most: int) -> Iterator[Excerpt]:
    """At most so many excerpts of a split, spread evenly over its tracks and over each.

    Args:
        sequence: mu-law audio.
        split: ``train``, ``validation`` or ``test``.
        seconds: length of each; a shorter track is left out.
        most: how many.

    Raises:
        SequenceError: when the sequence is not audio.
    """
    long_enough = sum(track.length >= seconds * sequence.sample_rate for track in sequence.tracks(split))
    return real_excerpts(sequence, split, seconds, max(1, most // max(1, long_enough)), most)


def real_conditions(
    sequence: PackedSequence, seconds: float, settings: Structure, seed: int
) -> Iterator[tuple[str, Excerpt]]:
    """Excerpts of test tracks, and after each the same with its blocks shuffled, and white noise of its level.

    Args:
        sequence: mu-law audio.
        seconds: length of each.
        settings: how many, and the blocks.
        seed: of the orders and the noise.

    Raises:
        SequenceError: when the sequence is not audio.
    """
    for excerpt in spread_excerpts(sequence, "test", seconds, settings.excerpts):
        yield REAL, excerpt
        yield SHUFFLED, shuffled(excerpt, sequence.sample_rate, settings.block_seconds, seed)
        yield NOISE, white_noise(excerpt, seed)


def drawn_conditions(
    path: Path, sample_rate: int, seconds: float, settings: Structure
) -> Iterator[tuple[str, Excerpt]]:
    """Excerpts of drawn audio, as they were drawn.

    Args:
        path: ``.npy`` of mu-law classes ``(batch, samples)``.
        sample_rate: Hz.
        seconds: length of each.
        settings: how many.

    Raises:
        SamplingError: when the file holds no such classes, or they are too short.
    """
    rows = read_drawn(path)[: settings.excerpts]
    for excerpt in drawn_excerpts(rows, sample_rate, seconds, settings.excerpts // len(rows)):
        yield DRAWN, excerpt


@dataclass(frozen=True)
class Origin:
    """Where excerpts come from: a packed sequence, or a file of drawn audio.

    Attributes:
        sequence: folder of the packed audio, or None.
        drawn: ``.npy`` of mu-law classes, or None.
        sample_rate: of the drawn audio, Hz.
    """

    sequence: Path | None
    drawn: Path | None
    sample_rate: int


@dataclass(frozen=True)
class Material:
    """Excerpts and their rate in Hz."""

    excerpts: Iterator[tuple[str, Excerpt]]
    sample_rate: int


def open_material(origin: Origin, seconds: float, settings: Structure, seed: int) -> Material:
    """The excerpts of an origin, cut as they are asked for.

    Args:
        origin: one of the two.
        seconds: length of each.
        settings: how many, and the blocks of what is shuffled.
        seed: of orders and noise.

    Raises:
        SamplingError: when none or both are given, or the drawn audio cannot be used.
        SequenceError: when the sequence cannot be used.
    """
    if origin.sequence is not None and origin.drawn is None:
        packed = open_sequence(origin.sequence)
        return Material(real_conditions(packed, seconds, settings, seed), packed.sample_rate)
    if origin.drawn is not None and origin.sequence is None:
        return Material(drawn_conditions(origin.drawn, origin.sample_rate, seconds, settings), origin.sample_rate)
    raise SamplingError("there is not one thing to measure", "give either --sequence or --drawn")
