"""From a model file back to a system."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from descant.config.networks import ADA, WaveNetShape
from descant.errors import ModelFileError
from descant.modelfile import ModelFile
from descant.systems.ada import ADASystem
from descant.systems.base import System
from descant.systems.wavenet import WaveNetSystem


def load_weights(system: System, weights: Mapping[str, Tensor]) -> None:
    """Load weights that must fit exactly.

    Raises:
        ModelFileError: telling which tensors are missing, unknown or of another shape.
    """
    own = system.state_dict()
    wrong = [f"missing {name}" for name in own.keys() - weights.keys()]
    wrong += [f"unknown {name}" for name in weights.keys() - own.keys()]
    wrong += [
        f"{name} is {tuple(weights[name].shape)} but the settings make it {tuple(own[name].shape)}"
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    ]
    if wrong:
        raise ModelFileError(
            "weights do not fit their settings:\n    " + "\n    ".join(sorted(wrong)), "train it again"
        )
    system.load_state_dict(dict(weights))


def restore_wavenet(model: ModelFile) -> WaveNetSystem:
    """The WaveNet of a model file, ready for evaluation."""
    system = WaveNetSystem(WaveNetShape.model_validate(_settings(model, "wavenet")["wavenet"]), model.classes)
    load_weights(system, model.weights)
    return system.eval()


def restore_ada(model: ModelFile) -> ADASystem:
    """The ADA of a model file, ready for evaluation."""
    system = ADASystem(ADA.model_validate(_settings(model, "ada")), model.classes)
    load_weights(system, model.weights)
    return system.eval()


def _settings(model: ModelFile, kind: str) -> dict[str, Any]:
    if model.kind != kind:
        raise ModelFileError(f"the model file holds a {model.kind}, a {kind} is needed", "give the other model's file")
    return model.settings
