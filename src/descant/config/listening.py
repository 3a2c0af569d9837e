"""``listening:`` the test that gathers people's scores for the table."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section

Range = tuple[int, int]

# what decides which clips are heard, and by whom: another value makes another test; the rest may change while it runs
DEFINES_TEST = frozenset(
    {
        "type",
        "models",
        "items",
        "seconds",
        "lufs",
        "ceiling_dbtp",
        "fade_ms",
        "anchors",
        "controls",
        "raters",
        "pages_per_rater",
        "repeat_every",
    }
)


class Anchors(Section):
    """Low anchors, made from held-out music: BS.1534's 3.5 kHz, which 16 kHz audio hardly shows, and so noise too."""

    lowpass_hz: float = Field(
        3500.0,
        gt=0,
        description="cut-off of the fidelity anchor's low-pass filter, Hz; at most a quarter of the sample rate",
    )
    noise_db: float = Field(
        10.0, ge=-20, le=60, description="signal-to-noise ratio of the fidelity anchor's white noise, dB; ours"
    )
    block_seconds: float = Field(
        0.5,
        gt=0,
        description="length of the blocks, at least eight, that the musicality anchor shuffles, seconds; ours",
    )


class Controls(Section):
    """Ratings by which someone who listens is known, lowest and highest, the same on both scales; ours."""

    noise: Range = Field((1, 2), description="lowest and highest rating allowed for white noise")
    real: Range = Field((3, 5), description="lowest and highest rating allowed for held-out music")

    @model_validator(mode="after")
    def _ranges_are_on_the_scale(self) -> Self:
        for name in ("noise", "real"):
            low, high = getattr(self, name)
            if not 1 <= low <= high <= 5:
                raise ValueError(f"{name} is {low} to {high}; give the lowest and the highest of the scale 1 to 5")
        return self


class Screening(Section):
    """When a rater is left out of the screened results; both results are always reported. The numbers are ours."""

    missed_controls: float = Field(
        0.25, ge=0, le=1, description="largest share of a rater's ratings of controls outside their allowed range"
    )
    repeat_difference: float = Field(
        2.0, gt=0, description="largest mean difference between a rater's two ratings of a repeated clip, in points"
    )


class Spread(Section):
    """Standard deviations assumed before anyone has rated, in points of the scale; ours."""

    rater: float = Field(0.5, ge=0, le=4, description="standard deviation between raters' means, in points")
    item: float = Field(
        0.4, ge=0, le=4, description="standard deviation between clips of one row of the table, in points"
    )
    residual: float = Field(0.8, gt=0, le=4, description="standard deviation of a single rating, in points")


class Listening(Section):
    """``listening:`` what is heard, by how many, and where it is served."""

    type: Literal["mos", "ab"] = Field(
        "mos",
        description="'mos' asks for fidelity and musicality from 1 to 5 of each clip, 'ab' which of two is better",
    )
    models: tuple[str, ...] | None = Field(
        None, description="rows of the table to test, or rows of parts; null: all of the table, else all of parts"
    )
    items: int | None = Field(
        None, ge=1, description="the first so many samples of each model; null: all that are drawn"
    )
    seconds: float | None = Field(None, gt=0, description="length of every clip; null: the length that was drawn")
    lufs: float = Field(-23.0, ge=-50, le=-10, description="loudness of every clip (EBU R 128), LUFS")
    ceiling_dbtp: float = Field(
        -1.0, ge=-20, le=0, description="true peak that no clip passes; a whole item is lowered for it, dB"
    )
    fade_ms: float = Field(10.0, ge=0, le=1000, description="length of the fades at both ends of every clip, ms")
    anchors: Anchors = Field(default_factory=Anchors)
    controls: Controls = Field(default_factory=Controls)
    screening: Screening = Field(default_factory=Screening)
    raters: int = Field(
        20, ge=2, le=10000, description="how many raters are planned; one list of clips is made for each"
    )
    pages_per_rater: int = Field(
        30, ge=4, le=500, description="pages that one rater sees at most, controls and repeated clips included; ours"
    )
    repeat_every: int = Field(
        15, ge=2, description="one clip of so many is heard twice, to see whether a rater agrees with himself; ours"
    )
    assumed: Spread = Field(default_factory=Spread)
    folder: str = Field("ratings", description="where people's ratings are kept; no rule ever deletes it")
    host: str = Field("127.0.0.1", description="address that the page is served on; only this machine by default")
    port: int = Field(8080, ge=1, le=65535, description="port that the page is served on")
    names: tuple[str, ...] = Field(
        (),
        description="what raters' browsers ask for when the page is served to others, the name in links first: "
        "['192.168.1.20:8080'], or [music.example.org] behind a proxy with HTTPS",
    )
    most_sessions: int = Field(
        1000,
        ge=1,
        description="sessions of one test that may be begun on the page, finished or not; more are refused",
    )
    must_hear: bool = Field(True, description="a clip can be rated only after it was heard to its end")

    @model_validator(mode="after")
    def _ratings_are_kept(self) -> Self:
        if Path(self.folder).resolve().is_relative_to(Path("results").resolve()):
            raise ValueError(f"folder is {self.folder!r}, which `make clean` removes; name one outside results")
        if self.models is not None and len(set(self.models)) != max(1, len(self.models)):
            raise ValueError("models is empty or names one twice; leave it out for all")
        return self
