"""From a model file back to a system."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.overrides import TorchFunctionMode

from descant.errors import ModelFileError, mistakes
from descant.modelfile import ModelFile
from descant.systems.base import System
from descant.systems.registry import KINDS

S = TypeVar("S", bound=System)
# of what does not fit, in an error
SHOWN = 10


def misfits(system: System, weights: Mapping[str, Tensor]) -> str:
    """Which weights a system lacks, which it has no place for, and which are of another shape.

    Args:
        system: with weights of its own.
        weights: tensors by name.

    Returns:
        A line each, the first ten; empty where all fit.
    """
    own = system.state_dict()
    wrong = [f"missing {name}" for name in own.keys() - weights.keys()]
    wrong += [f"unknown {name}" for name in weights.keys() - own.keys()]
    wrong += [
        f"{name} is {_form(weights[name])} but the settings make it {_form(own[name])}"
        for name in own.keys() & weights.keys()
        if _form(own[name]) != _form(weights[name])
    ]
    shown = [f"\n    {line}" for line in sorted(wrong)[:SHOWN]]
    return "".join(shown) + (f"\n    and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "")


def _form(tensor: Tensor) -> str:
    # the type in which weights are kept is not always named: it is nearly always this one
    named = "" if tensor.dtype == torch.float32 else f" of {str(tensor.dtype).removeprefix('torch.')}"
    return f"{tuple(tensor.shape)}{named}"


def check_weights(system: System, weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit a system exactly, which may stand on the meta device.

    Raises:
        ModelFileError: naming the tensors that are missing, unknown or of another shape or type.
    """
    if wrong := misfits(system, weights):
        raise ModelFileError(f"weights do not fit their settings:{wrong}", "train it again")


def load_weights(system: System, weights: Mapping[str, Tensor]) -> None:
    """Load weights that must fit exactly.

    Raises:
        ModelFileError: naming the tensors that are missing, unknown or of another shape.
    """
    check_weights(system, weights)
    system.load_state_dict(dict(weights))


class _WithoutValues(TorchFunctionMode):
    """Lets nothing be drawn for weights that have no memory: PyTorch would load its compiler for it, for seconds."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_) or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def restore(model: ModelFile, kind: type[S]) -> S:
    """The system of a model file, ready for evaluation.

    Args:
        model: the file.
        kind: the class that is needed; a class above several kinds takes any of them.

    Raises:
        ModelFileError: when it holds another kind, or its settings or weights do not fit.
    """
    facts = model.facts
    held = KINDS.get(facts.kind)
    if held is None or not issubclass(held.system, kind):
        needed = " or ".join(name for name, known in KINDS.items() if issubclass(known.system, kind))
        raise ModelFileError(
            f"the model file holds a system of kind {facts.kind}, {needed} is needed", "give the other model's file"
        )
    if missing := [stream for stream in held.streams if stream not in facts.by_stream]:
        raise ModelFileError(f"the model file of kind {facts.kind} names no {missing[0]}", "train it again")
    try:
        settings = held.section.model_validate(facts.settings)
    except ValidationError as error:
        raise ModelFileError(f"the model file's settings are not valid: {mistakes(error)}", "train it again") from error
    # settings may ask for any size: nothing is allocated before they are seen to fit the weights, which are there
    with torch.device("meta"), _WithoutValues():
        check_weights(held.build(settings, facts.by_stream), model.weights)
    system = held.build(settings, facts.by_stream)
    assert isinstance(system, kind)
    load_weights(system, model.weights)
    return system.eval()
