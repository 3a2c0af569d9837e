"""Forms of a causal dilated convolution, forward and backward: ratios to the first, side by side in one run.

    python benchmarks/convolution.py
    python benchmarks/convolution.py --device cuda

- side by side: one product over the taps laid side by side, which writes the input once for each of them.
- a product a tap: over shifted views of one padded input, added up in place.
- conv2d: over the padded input, channels last.

The WaveNets have conv2d for narrow layers on a CPU and the first else. Each is checked against the first. Figures are
medians of rounds in which all take turns, over dilations 1, 4, 16 and 64.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from descant.layers.wavenet import CausalConvolution

# batch, time, channels in, channels out, taps
SHAPES = [(4, 1024, 32, 64, 3), (4, 1024, 64, 128, 2), (2, 4096, 256, 512, 3)]
DILATIONS = (1, 4, 16, 64)
# as a share of the largest value: of sums in another order
CLOSE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
Form = Callable[[CausalConvolution, Tensor], Tensor]


class ProductATap(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, past: Tensor, weight: Tensor, bias: Tensor, delays: tuple[int, ...]) -> Tensor:
        context.save_for_backward(past, weight)
        context.delays = delays
        batch, time_, channels = len(past), past.shape[1] - delays[0], past.shape[2]
        out = bias.expand(batch, time_, -1)
        for tap, delay in zip(weight.view(len(weight), -1, channels).unbind(1), delays, strict=True):
            out = torch.baddbmm(out, past.narrow(1, delays[0] - delay, time_), tap.t().expand(batch, -1, -1))
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (gradient,), (past, weight) = gradients, context.saved_tensors
        of_past, of_taps = torch.zeros_like(past), []
        for tap, delay in zip(weight.view(len(weight), -1, past.shape[2]).unbind(1), context.delays, strict=True):
            place = context.delays[0] - delay
            of_past.narrow(1, place, gradient.shape[1]).baddbmm_(gradient, tap.expand(len(past), -1, -1))
            of_taps.append(torch.bmm(gradient.transpose(1, 2), past.narrow(1, place, gradient.shape[1])).sum(0))
        return of_past, torch.cat(of_taps, dim=1), gradient.sum((0, 1)), None


def product_a_tap(convolution: CausalConvolution, hidden: Tensor) -> Tensor:
    linear, padded = convolution.linear, F.pad(hidden, (0, 0, convolution.delays[0], 0))
    out: Tensor = ProductATap.apply(padded, linear.weight, linear.bias, convolution.delays)
    return out


FORMS: dict[str, Form] = {
    "side by side": CausalConvolution.as_product,
    "a product a tap": product_a_tap,
    "conv2d": CausalConvolution.as_convolution,
}


def passes(form: Form, convolution: CausalConvolution, hidden: Tensor, above: Tensor) -> tuple[Tensor, ...]:
    """Its output, and its gradients."""
    out = form(convolution, hidden)
    return out, *torch.autograd.grad(out, [hidden, convolution.linear.weight, convolution.linear.bias], above)


def measure(device: torch.device, rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each shape and precision."""
    for batch, length, channels, channels_out, kernel in SHAPES:
        for dtype in (torch.float32, torch.bfloat16):
            place: Any = {"device": device, "dtype": dtype}
            hidden = torch.randn(batch, length, channels, **place).requires_grad_()
            above = torch.randn(batch, length, channels_out, **place)
            convolutions = [CausalConvolution(channels, channels_out, kernel, each).to(**place) for each in DILATIONS]
            for name, form in FORMS.items():
                for first_, other in zip(
                    passes(CausalConvolution.as_product, convolutions[-1], hidden, above),
                    passes(form, convolutions[-1], hidden, above),
                    strict=True,
                ):
                    if (first_ - other).abs().max() > CLOSE[dtype] * first_.abs().max():
                        raise SystemExit(f"{name} differs from the first at {channels} channels in {dtype}")
            times: dict[str, list[float]] = {name: [] for name in FORMS}
            for _ in range(rounds):
                for name, form in FORMS.items():
                    began = time.perf_counter()
                    for convolution in convolutions:
                        passes(form, convolution, hidden, above)
                    if device.type == "cuda":
                        torch.cuda.synchronize()
                    times[name].append(time.perf_counter() - began)
            first = statistics.median(times["side by side"])
            speeds = {name: first / statistics.median(each) for name, each in times.items()}
            yield {"channels": channels, "taps": kernel, "dtype": str(dtype).removeprefix("torch."), **speeds}


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    rounds: Annotated[int, typer.Option(min=1)] = 40,
) -> None:
    """Print the speed of every form as a share of the first's."""
    torch.set_num_threads(1)
    for row in measure(torch.device(device), rounds):
        print(
            "  ".join(
                f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )


if __name__ == "__main__":
    typer.run(main)
