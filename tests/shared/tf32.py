"""What a GPU does to float32 products where TF32 is allowed, on a CPU."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
PRODUCTS = {aten.mm, aten.bmm, aten.addmm, aten.addmm_, aten.baddbmm, aten.baddbmm_, aten.linear, aten.matmul}
CONVOLUTIONS = {aten.convolution, aten.conv1d, aten.convolution_backward, aten._convolution}


def rounded(value: Any) -> Any:
    """A float32 tensor with ten bits of mantissa, as tensor cores read it; anything else as it is."""
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        return value
    bits = value.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


class EmulatedTF32(TorchDispatchMode):
    """Rounds what float32 products read, where torch's flags would let a GPU do so.

    Attributes:
        rounds: how many operations were rounded.
        seen: how many could have been.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rounds = self.seen = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        packet = func.overloadpacket  # type: ignore[attr-defined]
        self.seen += packet in PRODUCTS | CONVOLUTIONS
        allowed = (packet in PRODUCTS and torch.backends.cuda.matmul.allow_tf32) or (
            packet in CONVOLUTIONS and torch.backends.cudnn.allow_tf32
        )
        if allowed:
            self.rounds += 1
            # what is added to a product keeps its bits, and where it is written to it must stay the same tensor
            first = 1 if "add" in packet.__name__ else 0
            args = [value if number < first else rounded(value) for number, value in enumerate(args)]
        return func(*args, **(kwargs or {}))
