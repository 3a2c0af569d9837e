"""``evaluation:`` how what comes out is measured."""

from pydantic import Field

from descant.config.base import Section


class Evaluation(Section):
    """``evaluation:`` how the table is measured."""

    max_seconds_per_track: float | None = Field(
        None, gt=0, description="score only the start of each test track; empty = all of it"
    )
    window: int = Field(16384, ge=1, description="steps scored at once; the figure does not depend on it")
    bootstrap_draws: int = Field(1000, ge=100, description="draws of the bootstrap over tracks")
    confidence: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
