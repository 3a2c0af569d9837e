"""``compose:`` music in four parts that a trained network writes; ``compositions:`` several, for a page."""

from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.parts import QUARTERS_PER_MINUTE, Voice

Task = Literal["generate", "fill", "redo", "harmonise"]


class Compose(Section):
    """``compose:`` a task, ``snakemake compose --config compose='{task: harmonise, score: my.mid}'``."""

    task: Task = Field(
        "generate",
        description="'generate' new pieces, from nothing or from the beginning of a score; 'fill' voices of a score in "
        "four parts anew; 'redo' all of its voices, one after another; 'harmonise' a score of one to three parts",
    )
    score: Path | None = Field(None, description="MIDI or MusicXML file in 4/4, each part one note at a time")
    voices: tuple[Voice, ...] = Field(
        (),
        description="fill: the voices to write anew. harmonise: the voices that the score's parts are, from the top "
        "down; empty = as many as it has parts, from the soprano on",
    )
    row: str | None = Field(
        None,
        description="the row of models that composes; empty = the first of kind parts, else the network that ships",
    )
    count: int = Field(1, ge=1, le=1000, description="pieces to write, each another answer to the task")
    measures: int = Field(12, ge=1, le=1000, description="generate: measures of a piece")
    beginning: int = Field(0, ge=0, description="generate: measures that are taken from the beginning of the score")
    temperature: float = Field(0.8, ge=0.01, le=10, description="logits are divided by it; lower is plainer (ours)")
    top_p: float = Field(0.9, gt=0, le=1, description="nucleus sampling (Holtzman et al. 2020); 1 = off (ours)")
    rules: bool = Field(
        True,
        description="whether what breaks a rule of voice leading is drawn only where every token breaks one: parallel "
        "fifths and octaves, crossing, spacing, range",
    )
    particles: int = Field(
        32,
        ge=1,
        le=4096,
        description="drafts that are written side by side, of which those go on that what is given, and the end of the "
        "piece, fits best; 1 looks back only (ours)",
    )
    sweeps: int = Field(
        0,
        ge=0,
        le=1000,
        description="how often every measure of every voice is then drawn again given all the rest: blocked Gibbs "
        "sampling (Huang et al. 2017)",
    )
    quarters_per_minute: float = Field(
        QUARTERS_PER_MINUTE, ge=10, le=1000, description="tempo of what is written (ours)"
    )
    program: int = Field(0, ge=0, le=127, description="General MIDI program that plays it; 0 = piano, 19 = organ")

    @property
    def answer(self) -> str:
        """The file that is the task's answer: the first one, or what is left when the last voice was redone."""
        return str(len(get_args(Voice))) if self.task == "redo" else "1"

    @model_validator(mode="after")
    def _the_task_has_what_it_needs(self) -> Self:
        if self.score is None and self.task != "generate":
            raise ValueError(f"task {self.task!r} needs a score; set `score` to a MIDI or MusicXML file")
        if len(set(self.voices)) < len(self.voices):
            raise ValueError("voices names one twice; name each once")
        if self.task == "fill" and not self.voices:
            raise ValueError("task 'fill' needs the voices to write anew; set `voices`, such as [alto, tenor]")
        if self.voices and self.task in ("generate", "redo"):
            raise ValueError(f"task {self.task!r} writes all voices; leave `voices` out")
        order = get_args(Voice)
        if self.task == "harmonise" and len(self.voices) == len(order):
            raise ValueError("voices names all four, so nothing is left to write; name those that the score has")
        if self.task == "harmonise" and sorted(self.voices, key=order.index) != list(self.voices):
            raise ValueError(f"voices are not from the top down; name them in the order {', '.join(order)}")
        if self.task == "generate" and (self.beginning > 0) != (self.score is not None):
            raise ValueError("`beginning` is how many measures of `score` are kept; set both, or neither")
        if self.beginning >= self.measures and self.task == "generate":
            raise ValueError(
                f"beginning is {self.beginning}, all of the {self.measures} measures; set `measures` higher"
            )
        return self


class Composition(Compose):
    """A piece of ``compositions:``; its score may also be named as music21's corpus does, bach/bwv269.xml."""

    title: str = Field(min_length=1, description="what the page calls it")
