"""Drawing whole sequences: by position, whatever the blocks and however often it is stopped."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from descant.config.networks import ADA, WaveNetShape
from descant.errors import RunError, SamplingError
from descant.layers.wavenet import WaveNet
from descant.runs.checkpoint import load_latest
from descant.runs.folder import locked
from descant.runs.interruption import Interrupted
from descant.sampling.engine import DrawSettings
from descant.sampling.generate import Request, generate, generate_below, uniforms
from descant.sampling.reference import ReferenceEngine
from descant.systems.ada import ADASystem
from descant.systems.wavenet import build_wavenet

CLASSES = 9


def request(steps: int = 60, batch: int = 2, seed: int = 1, save_every: float = 1e9) -> Request:
    return Request(steps, batch, seed, DrawSettings(0.9, 0.95), save_every)


@pytest.fixture(scope="module")
def wavenet(tiny_shape: Callable[..., WaveNetShape], lively: Callable[[nn.Module], nn.Module]) -> WaveNet:
    torch.manual_seed(0)
    network = build_wavenet(tiny_shape(start_kernel=1), CLASSES).eval()
    lively(network)
    return network


@pytest.fixture(scope="module")
def ada(tiny_ada: Callable[..., ADA], lively: Callable[[nn.Module], nn.Module]) -> ADASystem:
    torch.manual_seed(1)
    system = ADASystem(tiny_ada(), CLASSES).eval()
    lively(system)
    return system


@given(seed=st.integers(0, 2**62), batch=st.integers(1, 4), start=st.integers(0, 2**40), count=st.integers(1, 20))
def test_uniforms_are_told_by_seed_sequence_and_position(seed: int, batch: int, start: int, count: int) -> None:
    whole = uniforms(seed, batch, start, count)
    assert whole.shape == (batch, count) and whole.dtype == torch.float64
    assert bool((whole >= 0).all()) and bool((whole < 1).all())
    for step in range(count):
        assert torch.equal(uniforms(seed, batch, start + step, 1)[:, 0], whole[:, step])
    assert torch.equal(uniforms(seed, batch + 2, start, count)[:batch], whole)
    assert not torch.equal(uniforms(seed + 1, batch, start, count), whole)
    assert len(np.unique(whole.numpy())) == batch * count


@pytest.mark.parametrize("block", [1, 7, 32, 1024])
def test_blocks_do_not_matter(wavenet: WaveNet, tmp_path: Path, block: int) -> None:
    drawn = generate(wavenet, request(), tmp_path / "run", block=block)
    straight = ReferenceEngine(wavenet, 2, request().draw).generate(uniforms(1, 2, 0, 60), None)
    assert drawn.shape == (2, 60) and drawn.dtype == torch.int64
    assert torch.equal(drawn, straight)
    assert len(np.unique(drawn.numpy())) > 2


@pytest.mark.parametrize("block", [1, 5, 8, 30])
def test_blocks_do_not_matter_with_conditioning(ada: ADASystem, tmp_path: Path, block: int) -> None:
    codes = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(2))

    def condition(start: int, stop: int) -> Tensor:
        return ada.conditioning(codes, start, stop)

    drawn = generate(ada.local_model, request(steps=64), tmp_path / "run", condition, block=block)
    assert torch.equal(drawn, generate_below(ada, codes, request(steps=64), tmp_path / "whole"))


def test_a_sequence_does_not_depend_on_the_batch_nor_its_start_on_the_length(wavenet: WaveNet, tmp_path: Path) -> None:
    four = generate(wavenet, request(batch=4), tmp_path / "four")
    assert torch.equal(generate(wavenet, request(batch=1), tmp_path / "one")[0], four[0])
    assert torch.equal(generate(wavenet, request(batch=3, steps=25), tmp_path / "short"), four[:3, :25])
    assert not torch.equal(generate(wavenet, request(batch=4, seed=2), tmp_path / "other"), four)


def stopping_conditioner(system: ADASystem, codes: Tensor, stop_at: int) -> Callable[[int, int], Tensor]:
    """The usual conditioner, which gets a real SIGTERM in one block."""

    def condition(start: int, stop: int) -> Tensor:
        if start == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return system.conditioning(codes, start, stop)

    return condition


@pytest.mark.parametrize("steps", [64, 61])
@pytest.mark.parametrize("stop_at", [0, 2, 8, 12])
def test_stopped_in_any_block_it_goes_on_to_the_same(ada: ADASystem, tmp_path: Path, stop_at: int, steps: int) -> None:
    codes = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(2))
    asked = request(steps=steps)
    whole = generate_below(ada, codes, asked, tmp_path / "whole")
    with pytest.raises(Interrupted, match=f"after step {4 * stop_at + 8} of {steps}"):
        generate(ada.local_model, asked, tmp_path / "run", stopping_conditioner(ada, codes, stop_at), block=8)
    saved = load_latest(tmp_path / "run" / "checkpoints")
    assert saved is not None and saved.step == 4 * stop_at + 8
    assert torch.equal(saved.tensors["drawn"], whole[:, : saved.step])
    assert torch.equal(generate_below(ada, codes, asked, tmp_path / "run"), whole)


class Killed(BaseException):
    """Stands for a death between two lines."""


def test_killed_in_any_block_it_goes_on_to_the_same(ada: ADASystem, tmp_path: Path) -> None:
    codes = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(2))
    whole = generate_below(ada, codes, request(steps=64), tmp_path / "whole")
    for start in range(0, 16, 4):

        def dying(first: int, stop: int, at: int = start) -> Tensor:
            if first == at:
                raise Killed
            return ada.conditioning(codes, first, stop)

        with pytest.raises(Killed):
            generate(ada.local_model, request(steps=64, save_every=0), tmp_path / "run", dying, block=8)
        saved = load_latest(tmp_path / "run" / "checkpoints")
        assert (saved.step if saved else 0) == 4 * start
    assert torch.equal(generate_below(ada, codes, request(steps=64), tmp_path / "run"), whole)


def test_it_goes_on_past_a_torn_state(wavenet: WaveNet, tmp_path: Path) -> None:
    whole = generate(wavenet, request(save_every=0), tmp_path / "run", block=10)
    states = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert [path.name[5:14] for path in states] == ["000000050", "000000060"]
    states[1].write_bytes(states[1].read_bytes()[:300])
    assert torch.equal(generate(wavenet, request(), tmp_path / "run", block=10), whole)


def test_codes_steer_what_is_drawn_below_them(ada: ADASystem, tmp_path: Path) -> None:
    codes = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(2))
    drawn = generate_below(ada, codes, request(steps=64), tmp_path / "one")
    later = codes.clone()
    later[:, 12:] = (later[:, 12:] + 1) % 8
    other = generate_below(ada, later, request(steps=64), tmp_path / "other")
    # the modulator sees so many codes ahead, and no further
    untouched = (12 - ada.modulator.reach.right) * ada.hop
    assert untouched > 0
    assert torch.equal(drawn[:, :untouched], other[:, :untouched])
    assert not torch.equal(drawn, other)


def test_a_folder_in_use_is_refused(wavenet: WaveNet, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match="in use"):
        generate(wavenet, request(), tmp_path, patience=0)


def test_a_state_that_cannot_be_saved_is_told(wavenet: WaveNet, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(SamplingError, match="state after step 10 cannot be saved"):
        generate(wavenet, request(save_every=0), tmp_path, block=10)
