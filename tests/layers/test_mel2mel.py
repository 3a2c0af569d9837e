"""The published network's shapes, and what a frame can see."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from descant.config.mel2mel import Mel2Mel
from descant.layers.mel2mel import START, Mel2MelNetwork

TRAINING = {"steps": 1, "batch": 1, "window": 2}
FRAMES, CHANGED = 24, 11


def network(rows: int = 10, bands: int = 6, **over: Any) -> Mel2MelNetwork:
    settings = Mel2Mel.model_validate({"width": 8, "training": TRAINING, **over})
    torch.manual_seed(0)
    return Mel2MelNetwork(settings, rows, bands).eval()


def test_the_published_shapes() -> None:
    built = network(176, 80, width=256)
    shapes = {name: tuple(parameter.shape) for name, parameter in built.named_parameters()}
    # torch keeps kernels the other way round
    assert shapes["input.convolution.weight"] == (256, 176, 1)
    assert shapes["first.gain.weight"] == shapes["first.shift.weight"] == (256, 2)
    for way in ("", "_reverse"):
        assert shapes[f"lstm.weight_ih_l0{way}"] == shapes[f"lstm.weight_hh_l0{way}"] == (1024, 256)
    assert shapes["second.gain.weight"] == shapes["second.shift.weight"] == (512, 2)
    assert shapes["output.convolution.weight"] == (80, 512, 1)
    assert len(shapes) == 2 + 4 + 8 + 4 + 2


def test_forget_gates_begin_open() -> None:
    biases = {name: value for name, value in network().lstm.named_parameters() if name.startswith("bias")}
    total = biases["bias_ih_l0"] + biases["bias_hh_l0"]
    assert total.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


def seen(built: nn.Module, rows: int = 10) -> Tensor:
    """Which frames change with frame ``CHANGED`` of the roll, booleans ``(FRAMES,)``."""
    rolls = torch.rand(1, FRAMES, rows)
    other = rolls.clone()
    other[0, CHANGED] = 1 - other[0, CHANGED]
    timbres = torch.randn(1, 2)
    with torch.no_grad():
        difference: Tensor = (built(rolls, timbres) - built(other, timbres)).abs().sum(-1)[0]
    return difference > 0


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("layers", [1, 2])
def test_forward_only_is_causal(kernel: int, layers: int) -> None:
    frames = torch.arange(FRAMES)
    assert torch.equal(seen(network(direction="forward", kernel=kernel, layers=layers)), frames >= CHANGED)
    assert seen(network(kernel=kernel, layers=layers)).all()


@pytest.mark.parametrize(
    "over", [{}, {"film": "first"}, {"film": "second"}, {"relu": True}, {"direction": "forward"}, {"kernel": 5}]
)
def test_every_variant_gives_a_band_a_frame_and_follows_its_timbre(over: dict[str, Any]) -> None:
    built = network(**over)
    rolls = torch.rand(3, FRAMES, 10)
    one, two = (built(rolls, torch.full((3, 2), value)) for value in (0.0, 1.0))
    assert one.shape == two.shape == (3, FRAMES, 6) and not torch.allclose(one, two)
    expected = {"first": over.get("film") != "second", "second": over.get("film") != "first"}
    assert {name: getattr(built, name) is not None for name in expected} == expected


def test_without_a_rectifier_the_network_before_the_lstm_is_linear() -> None:
    rolls = torch.rand(1, FRAMES, 10)
    for relu in (False, True):
        built = network(relu=relu)
        zero, one, two = (built.activation(built.input(scale * rolls)) for scale in (0, 1, 2))
        assert torch.allclose(two - zero, 2 * (one - zero), atol=1e-6) != relu


def test_fresh_weights_say_about_half_way() -> None:
    said = network(176, 80, width=64)(torch.zeros(1, FRAMES, 176), torch.zeros(1, 2))
    assert float(said.detach().mean()) == pytest.approx(START, abs=0.1)
