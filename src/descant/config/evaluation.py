"""``evaluation:`` how what comes out is measured."""

from pydantic import Field

from descant.config.base import Section
from descant.config.distances import Distances
from descant.config.novelty import Novelty
from descant.config.structure import Structure, Transcription


class Reconstruction(Section):
    """``evaluation.reconstruction:`` excerpts of test tracks, decoded from their codes; the numbers are ours."""

    seconds: float = Field(2.0, gt=0, description="length of an excerpt; shorter test tracks are left out (ours)")
    excerpts: int = Field(
        5,
        ge=1,
        le=1000,
        description="test tracks an excerpt is taken of, from the middle, at most; each is decoded twice (ours)",
    )


class Onsets(Section):
    """``evaluation.onsets:`` whether notes begin where they did; the excerpts are those of the reconstruction."""

    smooth_seconds: float = Field(
        0.03, ge=0, le=1, description="onsets so far apart still count as one: width of the smoothing (ours)"
    )


class TimbreMap(Section):
    """``evaluation.timbre:`` how a passage sounds all over a Mel2Mel's space of timbres (Kim et al. 2019)."""

    points: int = Field(32, ge=2, le=512, description="points of the map to a side; the paper has 320 (ours)")
    margin: float = Field(
        0.25, ge=0, le=10, description="how far the map reaches beyond the instruments, by their span (ours)"
    )
    seconds: float = Field(
        2.0, gt=0, le=60, description="length of the passage: of the first test track with notes, from the first (ours)"
    )
    steps: int = Field(9, ge=2, le=100, description="points on the way from one instrument to another (ours)")
    pairs: tuple[tuple[str, str], ...] | None = Field(
        None,
        description="pairs of instruments, by their names or parts of them, with a way between the two; empty = those "
        "two whose spectral centroids lie furthest apart",
    )


class PartsTable(Section):
    """``evaluation.parts:`` what is measured of models of music in parts; the numbers are ours."""

    test_pieces: int | None = Field(
        None, ge=1, description="test pieces that are scored, the first ones of the sequence; empty = all"
    )
    bound_draws: int = Field(
        4, ge=1, le=1000, description="draws of the latents over which an RMVAE's bound is averaged (ours)"
    )
    pieces: int = Field(
        32, ge=1, le=1000, description="pieces drawn; an RMVAE goes on from so many test pieces at most (ours)"
    )
    measures: int = Field(16, ge=1, le=1000, description="measures of each; a chorale has about 15 (ours)")


class Evaluation(Section):
    """``evaluation:`` how the table is measured."""

    max_seconds_per_track: float | None = Field(
        None, gt=0, description="score only the start of each test track; empty = all of it"
    )
    window: int = Field(16384, ge=1, description="steps scored at once; the figure does not depend on it")
    bootstrap_draws: int = Field(1000, ge=100, description="draws of the bootstrap over tracks")
    confidence: float = Field(0.95, gt=0, lt=1, description="confidence level of the intervals")
    reconstruction: Reconstruction = Field(default_factory=Reconstruction)
    onsets: Onsets = Field(default_factory=Onsets)
    structure: Structure = Field(default_factory=Structure)
    transcription: Transcription = Field(default_factory=Transcription)
    distances: Distances = Field(default_factory=Distances)
    novelty: Novelty = Field(default_factory=Novelty)
    timbre: TimbreMap = Field(default_factory=TimbreMap)
    parts: PartsTable = Field(default_factory=PartsTable)
