"""``evaluation.distances``: which excerpts are compared."""

from pydantic import Field

from descant.config.base import Section


class Distances(Section):
    """``evaluation.distances:`` which excerpts of drawn and of real music are compared. The defaults are ours."""

    seconds: float = Field(
        3.0, ge=0.1, description="length of an excerpt; where the drawn audio is shorter, all are as long as that"
    )
    tracks: int = Field(
        200, ge=2, description="real tracks of a split, at most; a Fréchet distance needs ten a dimension, 600 or more"
    )
    excerpts_per_track: int = Field(8, ge=1, description="excerpts of a track or a drawn sequence, at most")
