"""Networks that compose, from their model files."""

from pathlib import Path

from descant.config.parts import PARTS
from descant.errors import ModelFileError
from descant.modelfacts import ModelFacts
from descant.modelfile import check_streams, read_model
from descant.sampling.composing import Composer
from descant.sequences import PackedSequence
from descant.systems.base import System
from descant.systems.restore import restore


def read_composer(path: Path, learnt: PackedSequence | None) -> tuple[ModelFacts, Composer]:
    """What a model file says of itself, and its network of music in parts, ready for evaluation.

    Args:
        path: of the model file.
        learnt: the sequence ``parts``, which it must have been trained on; None for whatever it was.

    Raises:
        ModelFileError: when it holds another network, or one that learnt something else.
    """
    file = read_model(path)
    system = restore(file, System)  # type: ignore[type-abstract]
    if not isinstance(system, Composer):
        raise ModelFileError(f"{path} holds a {file.facts.kind}, no network of music in parts", "give another file")
    if learnt is not None:
        check_streams(file, {PARTS: learnt})
    return file.facts, system
