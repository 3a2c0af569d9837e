"""``adas.NAME.population:`` population-based training (Jaderberg et al. 2017) of an ADA.

The paper trains its second-level VQ-VAE so (Dieleman et al. 2018); how many members, what they tune and what their
fitness is are not published where we could read them: every value here is ours unless its description names a source.
"""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from descant.config.base import Section

Factor = Annotated[float, Field(gt=0, le=100)]


class Bounds(Section):
    """Where a tuned setting may go."""

    least: float = Field(
        gt=0, description="lower bound of the setting; above 0, since founders are spread evenly over the logarithm"
    )
    most: float = Field(gt=0, description="upper bound of the setting")

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        if self.least >= self.most:
            raise ValueError(f"least is {self.least:g} and most is {self.most:g}; least must be the smaller")
        return self


class Population(Section):
    """Members that are trained side by side; after each generation the worst go on from the state of a better one."""

    members: int = Field(4, ge=2, le=1024, description="how many are trained; each costs as much as a plain training")
    generations: int = Field(
        4, ge=1, le=1000, description="parts of equal length of the training's steps, which it must divide"
    )
    tuned: dict[str, Bounds] = Field(
        min_length=1,
        description="bounds by the dotted name of a real-valued key of this ADA, such as training.learning_rate; null "
        "takes one out again",
    )
    exploit: float = Field(
        0.25,
        gt=0,
        le=0.5,
        description="share at each end of the ranking, one member at least: those at the bottom are replaced by some "
        "at the top (truncation selection, Jaderberg et al. 2017, which takes 0.2)",
    )
    factors: tuple[Factor, Factor] = Field(
        (0.8, 1.25),
        description="one of them, by chance, multiplies each setting that was taken over (Jaderberg et al. 2017: 0.8 "
        "and 1.2; here up and down cancel)",
    )
    least_perplexity: float = Field(
        0.1, ge=0, le=1, description="share of the codebook under which perplexity lowers a member's fitness; 0 = never"
    )

    @field_validator("tuned", mode="before")
    @classmethod
    def _null_is_not_tuned(cls, tuned: object) -> object:
        if not isinstance(tuned, dict):
            return tuned
        return {name: bounds for name, bounds in tuned.items() if bounds is not None}

    @model_validator(mode="after")
    def _factors_change_something(self) -> Self:
        if not min(self.factors) < 1 < max(self.factors):
            raise ValueError(f"factors are {self.factors[0]:g} and {self.factors[1]:g}; name one below and one above 1")
        return self
