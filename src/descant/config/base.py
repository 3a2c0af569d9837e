"""What every section of the configuration shares."""

import difflib
from collections.abc import Iterable, Mapping
from typing import get_args

from pydantic import BaseModel, ConfigDict, model_validator

from descant.errors import shown


class Section(BaseModel):
    """A frozen section that refuses unknown keys, so that a typing error is reported and never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        for key, field in cls.model_fields.items():
            value = values.get(key)
            parts = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(part, bool) for part in parts) and not _takes_truth(field.annotation):
                raise ValueError(
                    f"{key} is {shown(value)}, as YAML reads on, yes, off and no; write a number, or put text in quotes"
                )
        return values


def _takes_truth(annotation: object) -> bool:
    return annotation is bool or any(_takes_truth(part) for part in get_args(annotation))


def nearest_of(name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name: the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are: {', '.join(known) or 'none'}"


def suggest(name: str, known: Iterable[str], section: str) -> str:
    """The end of a sentence on a name that a section lacks; see :func:`nearest_of`."""
    return f", which is not in {section}{nearest_of(name, known)}"
