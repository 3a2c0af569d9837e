"""Networks that compose, from their model files."""

from pathlib import Path

from descant.config.parts import PARTS
from descant.errors import ModelFileError
from descant.modelfacts import ModelFacts
from descant.modelfile import check_streams, read_model
from descant.sampling.composing import Composer
from descant.sequences import PackedSequence
from descant.systems.base import System
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem
from descant.systems.restore import restore


def read_parts_model(path: Path, learnt: PackedSequence | None) -> tuple[ModelFacts, Composer | PolyphonicRMVAESystem]:
    """What a model file says of itself, and its network of music in parts of either form, ready for evaluation.

    Args:
        path: of the model file.
        learnt: the sequence ``parts``, which it must have been trained on; None for whatever it was.

    Raises:
        ModelFileError: when it holds another network, or one that learnt something else.
    """
    file = read_model(path)
    system = restore(file, System)  # type: ignore[type-abstract]
    if not isinstance(system, Composer | PolyphonicRMVAESystem):
        raise ModelFileError(f"{path} holds a {file.facts.kind}, no network of music in parts", "give another file")
    if learnt is not None:
        check_streams(file, {PARTS: learnt})
    return file.facts, system


def read_composer(path: Path, learnt: PackedSequence | None) -> tuple[ModelFacts, Composer]:
    """The same of a network that carries out tasks of composing.

    Raises:
        ModelFileError: as above, and when its parts are polyphonic.
    """
    facts, system = read_parts_model(path, learnt)
    if isinstance(system, PolyphonicRMVAESystem):
        raise ModelFileError(
            f"{path} holds a network of polyphonic parts, but this is for parts of one note at a time",
            "give the file of a network that learnt monophonic parts; parts_drawn writes what a polyphonic one draws",
        )
    return facts, system
