"""The WaveNet stack: causal, with exactly the receptive field it reports, and the arithmetic of stacked Conv1d."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from descant.config.networks import WaveNetShape
from descant.layers.wavenet import WIDE, CausalConvolution, GatedLayer, WaveNet
from descant.systems.wavenet import build_wavenet

SHAPES = [
    {"stacks": stacks, "layers_per_stack": layers, "kernel": kernel, "start_kernel": start}
    for stacks, layers, kernel, start in [(1, 1, 2, 1), (1, 3, 2, 2), (2, 2, 3, 1), (3, 2, 2, 4), (1, 2, 4, 3)]
]


def double_wavenet(seed: int = 0, conditioning_channels: int = 0, hop: int = 1, **shape: Any) -> WaveNet:
    torch.manual_seed(seed)
    widths = {"residual_channels": 5, "gate_channels": 6, "skip_channels": 7}
    return build_wavenet(WaveNetShape(**widths, **shape), 11, conditioning_channels, hop).double().eval()


def open_read_out(wavenet: WaveNet) -> WaveNet:
    """Lift the read-out's ReLUs, so that what the layers see is never cut off behind them."""
    with torch.no_grad():
        wavenet.skip.bias += 10
        wavenet.head.bias += 10
    return wavenet


def embedding_gradient(wavenet: WaveNet, steps: Tensor, at: int, conditioning: Tensor | None = None) -> Tensor:
    """Largest gradient of the logits at one step with respect to each embedded step: ``(time,)``."""
    embedded: list[Tensor] = []

    def keep(module: torch.nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    handle = wavenet.embedding.register_forward_hook(keep)
    # a generic combination, so that no softmax symmetry cancels
    weights = torch.linspace(1, 2, wavenet.classes, dtype=torch.float64)
    (wavenet(steps, conditioning)[0, at] * weights).sum().backward()
    handle.remove()
    gradient = embedded[0].grad
    assert gradient is not None
    return gradient[0].abs().amax(-1)


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_depend_on_exactly_the_receptive_field_of_past_steps(shape: dict[str, int]) -> None:
    wavenet = open_read_out(double_wavenet(**shape))
    field = wavenet.receptive_field
    time = field + 6
    steps = torch.randint(wavenet.classes, (1, time))
    for at in (0, 1, field, time - 1):
        gradient = embedding_gradient(wavenet, steps, at)
        assert torch.all(gradient[at:] == 0), "a logit sees its own step or the future"
        assert torch.all(gradient[: max(0, at - field)] == 0), "a logit sees more than the receptive field"
        assert torch.all(gradient[max(0, at - field) : at] > 0), "a step of the receptive field has no influence"


@pytest.mark.parametrize("shape", SHAPES)
def test_changing_a_step_changes_exactly_the_logits_that_see_it(shape: dict[str, int]) -> None:
    wavenet = open_read_out(double_wavenet(seed=1, **shape))
    field = wavenet.receptive_field
    assert field == WaveNetShape(**shape).receptive_field
    time = field + 8
    steps = torch.randint(wavenet.classes, (1, time))
    with torch.no_grad():
        before = wavenet(steps)
        for changed in range(time):
            other = steps.clone()
            other[0, changed] = (other[0, changed] + 1) % wavenet.classes
            moved = (wavenet(other) != before).any(-1)[0].nonzero().flatten().tolist()
            assert moved == list(range(changed + 1, min(time, changed + field + 1)))


@given(
    shape=st.fixed_dictionaries(
        {
            "stacks": st.integers(1, 3),
            "layers_per_stack": st.integers(1, 4),
            "kernel": st.integers(2, 4),
            "start_kernel": st.integers(1, 5),
        }
    )
)
def test_the_shape_shows_the_receptive_field_of_its_module(shape: dict[str, int]) -> None:
    assert double_wavenet(**shape).receptive_field == WaveNetShape(**shape).receptive_field


@pytest.mark.parametrize(
    ("stacks", "layers", "hop", "samples"),
    [(3, 10, 1, 6141), (6, 10, 1, 12279), (3, 13, 1, 49149), (3, 10, 8, 49128), (3, 10, 64, 393024)],
)
def test_receptive_fields_of_the_paper(stacks: int, layers: int, hop: int, samples: int) -> None:
    shape = WaveNetShape(stacks=stacks, layers_per_stack=layers, kernel=3, start_kernel=3)
    assert shape.receptive_field * hop == samples


def as_conv1d(convolution: CausalConvolution) -> Tensor:
    """The weight as Conv1d has it: ``(out, in, taps)``, oldest tap first."""
    return convolution.linear.weight.unflatten(1, (convolution.kernel, -1)).transpose(1, 2)


def causal_conv1d(convolution: CausalConvolution, hidden: Tensor) -> Tensor:
    """Conv1d on ``(batch, channels, time)`` padded on the left."""
    pad = (convolution.kernel - 1) * convolution.dilation
    return F.conv1d(
        F.pad(hidden, (pad, 0)), as_conv1d(convolution), convolution.linear.bias, dilation=convolution.dilation
    )


@given(
    kernel=st.integers(1, 5),
    dilation=st.integers(1, 9),
    time=st.integers(1, 20),
    widths=st.tuples(st.integers(1, 4), st.integers(1, 4)) | st.just((WIDE, 3)),
    seed=st.integers(0, 2**31),
)
def test_causal_convolution_is_a_left_padded_conv1d(
    kernel: int, dilation: int, time: int, widths: tuple[int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    convolution = CausalConvolution(*widths, kernel, dilation).double()
    hidden = torch.randn(2, time, widths[0], dtype=torch.float64)
    expected = causal_conv1d(convolution, hidden.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(convolution(hidden), expected, rtol=0, atol=1e-12)


def plain_wavenet(wavenet: WaveNet, steps: Tensor, conditioning: Tensor | None) -> Tensor:
    """The textbook form: channels first, a Conv1d and a skip convolution a layer, conditioning repeated."""
    layers = [layer for layer in wavenet.layers if isinstance(layer, GatedLayer)]
    assert wavenet.embedding.table is not None
    embedded = wavenet.embedding.table.weight[steps].transpose(1, 2)
    hidden = torch.cat([torch.zeros_like(embedded[:, :, :1]), embedded[:, :, :-1]], dim=2)
    if conditioning is not None:
        assert wavenet.position is not None and wavenet.condition is not None
        hidden = hidden + wavenet.position.weight.T.repeat(1, conditioning.shape[1])
    hidden = causal_conv1d(wavenet.start, hidden)
    half = wavenet.skip.in_features // len(layers)
    skip = torch.zeros(()).double()
    for number, layer in enumerate(layers):
        activation = causal_conv1d(layer.convolution, hidden)
        if conditioning is not None and wavenet.condition is not None:
            weight = wavenet.condition.weight[number * 2 * half : (number + 1) * 2 * half]
            repeated = conditioning.repeat_interleave(wavenet.hop, dim=1).transpose(1, 2)
            activation = activation + F.conv1d(repeated, weight[..., None])
        gated = torch.tanh(activation[:, :half]) * torch.sigmoid(activation[:, half:])
        skip = skip + F.conv1d(gated, wavenet.skip.weight[:, number * half : (number + 1) * half, None])
        if layer.residual is not None:
            hidden = hidden + F.conv1d(gated, layer.residual.weight[..., None], layer.residual.bias)
    skip = skip + wavenet.skip.bias[:, None]
    skip = F.relu(F.conv1d(F.relu(skip), wavenet.head.weight[..., None], wavenet.head.bias))
    return F.conv1d(skip, wavenet.logits.weight[..., None], wavenet.logits.bias).transpose(1, 2)


@pytest.mark.parametrize("hop", [None, 1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES[1:4])
def test_the_stack_computes_what_stacked_conv1d_compute(shape: dict[str, int], hop: int | None) -> None:
    wavenet = double_wavenet(conditioning_channels=3 if hop else 0, hop=hop or 1, **shape)
    steps = torch.randint(wavenet.classes, (2, 24))
    conditioning = torch.randn(2, 24 // hop, 3, dtype=torch.float64) if hop else None
    with torch.no_grad():
        torch.testing.assert_close(
            wavenet(steps, conditioning), plain_wavenet(wavenet, steps, conditioning), rtol=0, atol=1e-12
        )


def test_held_conditioning_equals_repeated_conditioning() -> None:
    hop, shape = 4, {"stacks": 2, "layers_per_stack": 2, "kernel": 2, "start_kernel": 2}
    held = double_wavenet(conditioning_channels=3, hop=hop, **shape)
    each = double_wavenet(seed=9, conditioning_channels=3, hop=1, **shape)
    each.load_state_dict({**held.state_dict(), "position.weight": torch.zeros(1, 5)})
    assert held.position is not None
    held.position.weight.data.zero_()
    steps = torch.randint(held.classes, (2, 6 * hop))
    conditioning = torch.randn(2, 6, 3, dtype=torch.float64)
    with torch.no_grad():
        repeated = each(steps, conditioning.repeat_interleave(hop, dim=1))
        torch.testing.assert_close(held(steps, conditioning), repeated, rtol=0, atol=1e-12)


def test_conditioning_reaches_its_own_hop_at_once_and_nothing_before_it() -> None:
    hop = 4
    shape = {"stacks": 1, "layers_per_stack": 2, "kernel": 2, "start_kernel": 1}
    wavenet = open_read_out(double_wavenet(conditioning_channels=3, hop=hop, **shape))
    steps = torch.randint(wavenet.classes, (1, 5 * hop))
    conditioning = torch.randn(1, 5, 3, dtype=torch.float64, requires_grad=True)
    for at in range(5 * hop):
        (gradient,) = torch.autograd.grad(wavenet(steps, conditioning)[0, at].square().sum(), conditioning)
        seen = gradient[0].abs().amax(-1) > 0
        # the upper layer sees the lower one, where conditioning comes in, two steps back
        assert seen.tolist() == [max(0, at - 2) // hop <= code <= at // hop for code in range(5)]


def test_the_position_gives_the_step_within_a_hop() -> None:
    wavenet = double_wavenet(conditioning_channels=3, hop=4, stacks=1, layers_per_stack=1, kernel=2, start_kernel=1)
    assert wavenet.position is not None
    steps = torch.full((1, 16), 3)
    conditioning = torch.randn(1, 1, 3, dtype=torch.float64).expand(1, 4, 3)
    with torch.no_grad():
        logits = wavenet(steps, conditioning)[0, 4:]
        torch.testing.assert_close(logits[:4], logits[4:8], rtol=0, atol=1e-12)
        assert not torch.allclose(logits[0], logits[1])
        wavenet.position.weight[:] = wavenet.position.weight[0].clone()
        same = wavenet(steps, conditioning)[0, 4:]
        torch.testing.assert_close(same, same[:1].expand_as(same), rtol=0, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 16, 256])
def test_scalar_input_is_affine_in_the_class_and_spans_minus_one_to_one(classes: int) -> None:
    shape = WaveNetShape(residual_channels=5, gate_channels=6, skip_channels=7, layers_per_stack=1, input="scalar")
    embedding = build_wavenet(shape, classes).embedding
    assert embedding.linear is not None
    with torch.no_grad():
        embedded = embedding(torch.arange(classes))
        weight, bias = embedding.linear.weight[:, 0], embedding.linear.bias
        torch.testing.assert_close(embedded[0], bias - weight)
        torch.testing.assert_close(embedded[-1], bias + weight)
        even = torch.linspace(0, 1, classes)[:, None]
        torch.testing.assert_close(embedded, torch.lerp(embedded[0].expand_as(embedded), embedded[-1], even))
