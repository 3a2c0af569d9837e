"""Model files of systems that read one sequence, as tests make them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from descant.modelfacts import Input, ModelFacts
from descant.modelfile import ModelFile


def input_of(stream: str = "steps", **over: Any) -> Input:
    """A sequence of sixteen classes, 1000 steps a second."""
    given: dict[str, Any] = {"stream": stream, "name": "audio", "classes": 16, "channels": 0, "hop": 1}
    return Input(**{**given, "sample_rate": 1000, "fingerprint": "f" * 64, **over})


def model_file(
    kind: str, settings: dict[str, Any], weights: Mapping[str, Tensor], steps: int = 12, **sequence: Any
) -> ModelFile:
    """A model file of one sequence: see :func:`input_of`."""
    facts = ModelFacts(kind=kind, settings=settings, inputs=(input_of(**sequence),), steps=steps)
    return ModelFile(facts, weights)
