"""``band:`` a network of music in voices that plays along with a person: ``snakemake band`` writes its page."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section

Voice = Literal["soprano", "alto", "tenor", "bass"]


class Band(Section):
    """``band:`` which network plays along, and how the page is set when it is opened; all values are ours."""

    row: str | None = Field(
        None,
        description="the row of models whose network plays, of the kind autoregressive_parts with latent: 0; empty = "
        "the first of them, or where there is none the network that ships",
    )
    model: Path | None = Field(None, description="a model file that plays in place of a row's")
    voice: Voice = Field("soprano", description="the voice that the person plays")
    tempo: float = Field(90.0, ge=20, le=300, description="quarters a minute")
    lead_in: int = Field(2, ge=1, le=2, description="measures that the person plays alone")
    follow: bool = Field(
        False,
        description="whether the tempo follows the person; off: who is always late by over 20 ms slows it on and on",
    )
    temperature: float = Field(0.9, gt=0, le=10, description="logits are divided by it before a token is drawn")
    top_p: float = Field(0.95, gt=0, le=1, description="keep the fewest tokens whose probability reaches it")

    @model_validator(mode="after")
    def _one_network_plays(self) -> Self:
        if self.row is not None and self.model is not None:
            raise ValueError(f"row is {self.row!r} and model is {str(self.model)!r}; leave one of them out")
        return self
