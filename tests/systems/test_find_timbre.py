"""A timbre is found again where a system itself played it, whatever the level and the offset."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.config.mel2mel import Mel2Mel
from descant.systems.find_timbre import MOST_GAIN, Found, Search, cut_parts
from descant.systems.mel2mel import Mel2MelSystem, squared_error

BANDS, KEYS, FLOOR = 12, 6, math.log(1e-5)
# so much of the recording before and after a part
REACH = 5


def made_system(loss: str = "tanh_log_abs", points: int = 2) -> Mel2MelSystem:
    """Fresh weights, with bands of other biases, in which a timbre is heard as it is after training."""
    section = {"width": 16, "embedding": points, "loss": loss, "training": {"steps": 1, "batch": 1, "window": 8}}
    torch.manual_seed(3)
    system = Mel2MelSystem(Mel2Mel.model_validate(section), BANDS, KEYS, 4)
    with torch.no_grad():
        system.network.output.convolution.weight *= 8
    return system.eval()


def made_rolls(parts: int, frames: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(1)
    return ((random.random((parts, frames, 2 * KEYS)) < 0.2) * 0.7).astype(np.float32)


def recording(
    system: Mel2MelSystem, rolls: npt.NDArray[np.float32], point: torch.Tensor, lag: int = 0, gain: float = 0.0
) -> npt.NDArray[np.float32]:
    """What the system plays with a point, later by a lag and louder by a gain."""
    with torch.no_grad():
        mel = system.play(torch.from_numpy(rolls), point.expand(len(rolls), -1)).numpy() + gain
    recorded = np.full((len(rolls), rolls.shape[1] + 2 * REACH, BANDS), FLOOR + gain, np.float32)
    recorded[:, REACH + lag : REACH + lag + rolls.shape[1]] = mel
    return recorded


def found(system: Mel2MelSystem, point: torch.Tensor, lag: int = 0, gain: float = 0.0) -> Found:
    rolls = made_rolls(3, 40)
    return Search(system, rolls, recording(system, rolls, point, lag, gain), FLOOR).run()


@pytest.mark.parametrize("loss", ["tanh_log_abs", "log_abs", "abs"])
@pytest.mark.parametrize(("lag", "gain"), [(0, 0.0), (3, -2.0), (-4, 1.5)])
def test_a_point_that_was_played_is_found_again(loss: str, lag: int, gain: float) -> None:
    system, true = made_system(loss), torch.tensor([0.6, -0.4])
    result = found(system, true, lag, gain)
    assert result.lag == lag
    np.testing.assert_allclose(result.best.point, true.numpy(), atol=0.02)
    assert result.best.gain == pytest.approx(-gain, abs=0.02)
    assert result.best.loss < 1e-2 * min(fit.loss for fit in result.instruments)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_nothing_fits_worse_than_an_instrument_s_own_point(point: list[float]) -> None:
    result = found(made_system(points=3), torch.tensor(point))
    assert all(result.best.loss <= fit.loss for fit in result.instruments)


def test_an_instrument_that_plays_is_found_at_its_own_point() -> None:
    system = made_system()
    result = found(system, system.timbres.table.weight.detach()[2])
    np.testing.assert_allclose(result.best.point, result.instruments[2].point, atol=1e-2)
    assert result.instruments[2].loss == min(fit.loss for fit in result.instruments)


def test_weights_stay_as_they_are_and_the_same_is_found_again() -> None:
    system, rolls = made_system(), made_rolls(3, 40)
    heard = recording(system, rolls, torch.tensor([0.6, -0.4]))
    before = {name: weight.clone() for name, weight in system.state_dict().items()}
    first, second = (Search(system, rolls, heard, FLOOR).run().best for _ in range(2))
    assert all(torch.equal(weight, before[name]) for name, weight in system.state_dict().items())
    assert first.loss == second.loss and np.array_equal(first.point, second.point)


def test_the_loss_is_the_system_s_own_with_the_recording_as_loud_as_it_plays() -> None:
    # logarithms differ by as much whatever both are raised by
    system, rolls = made_system("log_abs"), made_rolls(2, 30)
    heard = recording(system, rolls, torch.tensor([0.6, -0.4]), gain=0.3)
    for fit in Search(system, rolls, heard, -100.0).run().instruments:
        with torch.no_grad():
            mel = system.play(torch.from_numpy(rolls), torch.from_numpy(fit.point).float().expand(2, -1))
        true = torch.from_numpy(heard[:, REACH : REACH + 30]) + fit.gain
        assert abs(fit.gain) < MOST_GAIN
        assert fit.loss == pytest.approx(float(squared_error("log_abs", mel, true)), rel=1e-4)


@given(
    st.lists(st.integers(0, 7), max_size=8), st.lists(st.integers(-4, 30), min_size=1, max_size=4), st.integers(1, 9)
)
def test_parts_are_those_of_the_whole_however_it_comes(sizes: list[int], starts: list[int], length: int) -> None:
    whole = np.arange(2.0 * sum(sizes)).reshape(-1, 2)
    blocks = np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []
    padded = np.pad(whole, ((10, 60), (0, 0)), constant_values=-1)
    for part, start in zip(cut_parts(blocks, starts, length, 2, -1), starts, strict=True):
        np.testing.assert_array_equal(part, padded[10 + start : 10 + start + length])
