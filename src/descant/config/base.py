"""What every section of the configuration shares."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen section that refuses unknown keys, so that a typing error is told and never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
