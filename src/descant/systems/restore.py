"""From a model file back to a system."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
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
# elements that a system may make beside its weights, such as masks, and for each element of them; ours
SPARE_ELEMENTS = 1 << 24
BUILT_FOR_EACH = 4
SIZED = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full)
RANGES = (torch.arange, torch.linspace)
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


def load_weights(system: System, weights: Mapping[str, Tensor]) -> None:
    """Load weights that must fit exactly.

    Raises:
        ModelFileError: naming the tensors that are missing, unknown or of another shape.
    """
    if wrong := misfits(system, weights):
        raise ModelFileError(f"weights do not fit their settings:{wrong}", "train it again")
    system.load_state_dict(dict(weights))


class _Budget(TorchFunctionMode):
    """Lets the tensors that are made within it have so many elements together.

    PyTorch's meta device would show the shapes without memory, but loads its compiler for that, for seconds.
    """

    def __init__(self, elements: int) -> None:
        super().__init__()
        self._left = elements

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func in SIZED:
            # of torch.full the second argument is a value
            sizes = args[:1] if func is torch.full else args
            self._left -= math.prod(_whole(given.get("size", sizes)))
        elif func in RANGES:
            self._left -= max(map(abs, _whole((*args, *given.values()))), default=0)
        if self._left < 0:
            raise ModelFileError("the settings ask for far more weights than the file holds", "train it again")
        return func(*args, **given)


def _whole(values: Iterable[Any]) -> Iterator[int]:
    """The whole numbers among values, and in the tuples and lists among them."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from _whole(value)
        elif isinstance(value, int):
            yield value


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
    try:
        settings = held.section.model_validate(facts.settings)
    except ValidationError as error:
        raise ModelFileError(f"the model file's settings are not valid: {mistakes(error)}", "train it again") from error
    if missing := [stream for stream in held.streams(settings) if stream not in facts.by_stream]:
        raise ModelFileError(f"the model file of kind {facts.kind} names no {missing[0]}", "train it again")
    if unnamed := [label for label in held.labels(settings) if label not in facts.learnt.labels]:
        raise ModelFileError(f"the model file of kind {facts.kind} knows no {unnamed[0]}s", "train it again")
    # settings may ask for any size: more is not allocated than the weights, which are there, and what goes with them
    with _Budget(SPARE_ELEMENTS + BUILT_FOR_EACH * sum(tensor.numel() for tensor in model.weights.values())):
        system = held.build(settings, facts.by_stream)
    assert isinstance(system, kind)
    load_weights(system, model.weights)
    return system.eval()
