"""Which excerpts are measured: of drawn audio, of real music spread over its tracks, and real ones degraded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from descant.audio.rendered import Rendered, open_rendered
from descant.config.structure import Structure
from descant.errors import SamplingError
from descant.evaluation.material import Excerpt, drawn_excerpts, real_excerpts, shuffled, white_noise
from descant.recordings import open_recordings
from descant.sequences import PackedSequence

REAL, SHUFFLED, NOISE, DRAWN = "real", "shuffled", "noise", "drawn"


def spread_excerpts(recordings: PackedSequence, split: str, seconds: float, most: int) -> Iterator[Excerpt]:
    """At most so many excerpts of a split, spread evenly over its tracks and over each; a shorter track is left out."""
    long_enough = sum(track.length >= seconds * recordings.sample_rate for track in recordings.tracks(split))
    return real_excerpts(recordings, split, seconds, max(1, most // max(1, long_enough)), most)


def real_conditions(
    recordings: PackedSequence, seconds: float, settings: Structure, seed: int
) -> Iterator[tuple[str, Excerpt]]:
    """Excerpts of test tracks, and after each the same with its blocks shuffled, and white noise of its level."""
    for excerpt in spread_excerpts(recordings, "test", seconds, settings.excerpts):
        yield REAL, excerpt
        yield SHUFFLED, shuffled(excerpt, recordings.sample_rate, settings.block_seconds, seed)
        yield NOISE, white_noise(excerpt, seed)


def drawn_conditions(rendered: Rendered, seconds: float, settings: Structure) -> Iterator[tuple[str, Excerpt]]:
    """Excerpts of drawn audio, as they were drawn.

    Raises:
        SamplingError: when a sample is too short, or its file cannot be read.
    """
    samples = min(len(rendered.samples), settings.excerpts)
    for excerpt in drawn_excerpts(rendered, seconds, settings.excerpts // samples, samples):
        yield DRAWN, excerpt


@dataclass(frozen=True)
class Material:
    """Excerpts and their rate in Hz."""

    excerpts: Iterator[tuple[str, Excerpt]]
    sample_rate: int


def open_material(
    recordings: Path | None, drawn: Path | None, seconds: float, settings: Structure, seed: int
) -> Material:
    """The excerpts of the corpus, or of what a model drew, cut as they are asked for.

    Args:
        recordings: folder of the sequence ``waveform``, or None.
        drawn: folder of rendered audio, or None.
        seconds: length of each.
        settings: how many, and the blocks of what is shuffled.
        seed: of orders and noise.

    Raises:
        SamplingError: when none or both are given, or the drawn audio cannot be used.
        SequenceError: when the recordings cannot be used.
    """
    if recordings is not None and drawn is None:
        packed = open_recordings(recordings)
        return Material(real_conditions(packed, seconds, settings, seed), packed.sample_rate)
    if drawn is not None and recordings is None:
        rendered = open_rendered(drawn)
        return Material(drawn_conditions(rendered, seconds, settings), rendered.sample_rate)
    raise SamplingError("there is not one thing to measure", "give either --recordings or --drawn")
