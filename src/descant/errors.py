"""Exceptions that a user can act on: what is wrong, and the cure."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # what sets up spleeter's environment runs where there is the standard library only
    from pydantic import ValidationError


class DescantError(Exception):
    """A mistake or a limit that the user can do something about.

    Args:
        problem: what is wrong, naming the key, the file or the number.
        cure: what to do about it.
    """

    def __init__(self, problem: str, cure: str) -> None:
        self.problem = _printable(problem)
        self.cure = _printable(cure)
        super().__init__(f"{self.problem}\n  cure: {self.cure}")


def _printable(text: str) -> str:
    """Names of files and keys are other people's: what would steer a terminal is written as an escape."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


class _Shown(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = self.maxtuple = 4
        self.maxstring = self.maxother = 120

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write numbers of thousands of digits
        return repr(x) if x.bit_length() < 128 else f"a number of {x.bit_length()} bits"


def shown(value: object) -> str:
    """A value as an error can print it: like ``repr``, but never longer than a few lines."""
    return _Shown().repr(value)


def mistakes(error: ValidationError) -> str:
    """The first three mistakes that pydantic found, each with its place, for the text of an error."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])):.200}: {item['msg']:.200}" for item in found[:3])


class ConfigError(DescantError):
    """The configuration is not valid."""


class CorpusError(DescantError):
    """The corpus cannot be used as it is."""


class PlayError(DescantError):
    """A score cannot be played as it was asked for, or no timbre be found for it."""


class BandError(DescantError):
    """A network cannot play along, or there is nothing to play on."""


class ScoreError(DescantError):
    """A score cannot be read, or a SoundFont cannot play it."""


class SequenceError(DescantError):
    """A packed sequence on disk is missing, torn or of the wrong kind."""


class ModelFileError(DescantError):
    """A model file cannot be read, or does not fit what is asked of it."""


class TrainingError(DescantError):
    """Training cannot start or go on."""


class DivergedError(TrainingError):
    """A step's loss or gradient, or the state after it, is not finite."""


class PopulationError(DescantError):
    """What a population-based training left cannot be read, or does not hang together."""


class SamplingError(DescantError):
    """Sampling cannot start or go on."""


class RunError(DescantError):
    """A run directory cannot be used."""


class EngineError(SamplingError):
    """A sampling engine does not work on this machine, or not for this model."""


class ListeningError(DescantError):
    """The listening test cannot be made, served or analysed as it is."""


class ResultError(DescantError):
    """What was measured cannot be read back."""


class PageError(DescantError):
    """A page of the report has no place in it, or is not given what it is made from."""
