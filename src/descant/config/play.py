"""``play:`` a score that a trained Mel2Mel and its vocoder play; ``music:`` several, for a page to listen to."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self, cast

from pydantic import Field, model_validator

from descant.config.base import Section

Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)]
# an instrument by name, several by their shares, or a point of the space of timbres
Timbre = str | dict[str, Weight] | tuple[Coordinate, ...]


class Moment(Section):
    """A timbre that is reached at some time."""

    at: float = Field(ge=0, description="seconds from the beginning")
    instrument: Timbre = Field(
        description="an instrument by its name or part of it, several by their shares, or a point"
    )


class Playing(Section):
    """What plays a score, and how."""

    instrument: Timbre | tuple[Moment, ...] = Field(
        description="the name of an instrument that was learnt, or part of it; shares of several, {trumpet: 0.3, "
        "organ: 0.7}; a point of the space of timbres, [0.3, -1.2]; or moments, between which the timbre moves in a "
        "straight line: [{at: 0, instrument: trumpet}, {at: 10, instrument: organ}]",
    )
    row: str | None = Field(
        None,
        description="the row of models that plays; empty = the first that has a vocoder, else the networks that ship",
    )
    quarters_per_minute: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="tempo of MusicXML; empty = what the score says, 120 where it says nothing. MIDI keeps its own",
    )
    seconds: float | None = Field(None, gt=0, description="only so much from the beginning; empty = all of it")

    @model_validator(mode="after")
    def _timbres_are_given(self) -> Self:
        timbres = [moment.instrument for moment in self.moments]
        if () in timbres:
            raise ValueError("instrument is empty; name one")
        for timbre in timbres:
            if isinstance(timbre, dict) and not abs(sum(timbre.values())) > 1e-6:
                raise ValueError("instrument: the shares add up to 0; give shares such as {trumpet: 0.3, organ: 0.7}")
        times = [moment.at for moment in self.moments]
        if any(after <= before for before, after in pairwise(times)):
            raise ValueError("instrument: the moments are not in order of time; let `at` rise")
        return self

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The timbres in order of time; one that is there throughout is reached at the beginning."""
        given = self.instrument
        if isinstance(given, tuple) and given and isinstance(given[0], Moment):
            return given
        return (Moment(at=0, instrument=cast(Timbre, given)),)


class Play(Playing):
    """``play:`` a score and what plays it: ``snakemake play --config play='{score: my.mid, instrument: trumpet}'``."""

    score: Path = Field(description="MIDI or MusicXML file")


class Piece(Playing):
    """A piece of ``music:``; its score may also be named as music21's corpus does, bach/bwv269.xml."""

    title: str = Field(min_length=1, description="what the page calls it")
    composition: str | None = Field(
        None,
        description="a composition of the run, in place of a score: the first answer, or what redo ends with",
    )
    score: Path | None = Field(None, description="MIDI or MusicXML file, or a score of music21's corpus")

    @model_validator(mode="after")
    def _has_one_score(self) -> Self:
        if (self.score is None) == (self.composition is None):
            raise ValueError("give one of score and composition")
        return self
