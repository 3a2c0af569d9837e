"""Exceptions that a user can act on: what is wrong, and the cure."""


class DescantError(Exception):
    """A mistake or a limit that the user can do something about.

    Args:
        problem: what is wrong, naming the key, the file or the number.
        cure: what to do about it.
    """

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}\n  cure: {cure}")
        self.problem = problem
        self.cure = cure


class ConfigError(DescantError):
    """The configuration is not valid."""


class CorpusError(DescantError):
    """The corpus cannot be used as it is."""


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
