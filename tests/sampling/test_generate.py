"""Drawing whole sequences: by position, whatever the blocks and however often it is stopped."""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from descant.config.models import EngineName
from descant.config.networks import ADA, WaveNetShape
from descant.errors import RunError, SamplingError
from descant.layers.wavenet import WaveNet
from descant.runs.checkpoint import load_latest
from descant.runs.folder import locked
from descant.runs.interruption import Interrupted
from descant.sampling.engine import STEPS_PER_REPLAY, DrawSettings, Engine
from descant.sampling.generate import Place, Request, block_of, generate, sequences, uniforms
from descant.sampling.reference import ReferenceEngine
from descant.systems.ada import ADASystem
from descant.systems.wavenet import build_wavenet

CLASSES = 9
DRAW = DrawSettings(0.9, 0.95)
SEED = 1
CODES = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(2))


def request(steps: int = 60, batch: int = 2, seed: int = SEED, save_every: float = 1e9, hop: int = 1) -> Request:
    return Request(steps, sequences(batch), CLASSES, seed, hop, save_every)


def of(wavenet: WaveNet, batch: int = 2) -> Callable[[EngineName | None], Engine]:
    return lambda begun_by: ReferenceEngine(wavenet, batch, DRAW)


def conditioner(system: ADASystem, codes: Tensor = CODES) -> Callable[[int, int], Tensor]:
    def condition(start: int, stop: int) -> Tensor:
        with torch.inference_mode():
            return system.local_model.layer_conditioning(system.conditioning(codes, start, stop))

    return condition


def below(system: ADASystem, folder: Path, steps: int = 64, codes: Tensor = CODES) -> np.ndarray:
    asked = request(steps=steps, hop=system.hop)
    return generate(of(system.local_model), asked, folder, conditioner(system, codes))


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
def test_uniforms_follow_seed_sequence_and_position(seed: int, batch: int, start: int, count: int) -> None:
    places = sequences(batch)
    whole = uniforms(seed, places, start, count)
    assert whole.shape == (batch, count) and whole.dtype == torch.float64
    assert bool((whole >= 0).all()) and bool((whole < 1).all())
    for step in range(count):
        assert torch.equal(uniforms(seed, places, start + step, 1)[:, 0], whole[:, step])
    assert torch.equal(uniforms(seed, sequences(batch + 2), start, count)[:batch], whole)
    assert torch.equal(uniforms(seed, [Place(batch - 1, start)], 0, count)[0], whole[-1])
    assert not torch.equal(uniforms(seed + 1, places, start, count), whole)
    assert len(np.unique(whole.numpy())) == batch * count


@given(batch=st.integers(1, 5000), hop=st.sampled_from([1, 2, 3, 8, 20, 40, 64, 625]))
def test_a_block_is_whole_hops_and_whole_replays(batch: int, hop: int) -> None:
    block = block_of(batch, hop)
    assert block > 0 and block % hop == 0 and block % STEPS_PER_REPLAY == 0
    assert block <= max(1024, 16 * hop) + 16 * hop


@pytest.mark.parametrize("block", [1, 7, 32, 1024])
def test_blocks_do_not_matter(wavenet: WaveNet, tmp_path: Path, block: int) -> None:
    drawn = generate(of(wavenet), request(), tmp_path / "run", block=block)
    straight = ReferenceEngine(wavenet, 2, DRAW).generate(uniforms(SEED, sequences(2), 0, 60), None)
    assert drawn.shape == (2, 60) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, straight.numpy())
    assert len(np.unique(drawn)) > 2


@pytest.mark.parametrize("block", [1, 5, 8, 30])
def test_blocks_do_not_matter_with_conditioning(ada: ADASystem, tmp_path: Path, block: int) -> None:
    asked = request(steps=64, hop=ada.hop)
    drawn = generate(of(ada.local_model), asked, tmp_path / "run", conditioner(ada), block=block)
    assert np.array_equal(drawn, below(ada, tmp_path / "whole"))


def test_a_sequence_does_not_depend_on_the_batch_nor_its_start_on_the_length(wavenet: WaveNet, tmp_path: Path) -> None:
    four = generate(of(wavenet, 4), request(batch=4), tmp_path / "four")
    assert np.array_equal(generate(of(wavenet, 1), request(batch=1), tmp_path / "one")[0], four[0])
    short = generate(of(wavenet, 3), request(batch=3, steps=25), tmp_path / "short")
    assert np.array_equal(short, four[:3, :25])
    assert not np.array_equal(generate(of(wavenet, 4), request(batch=4, seed=2), tmp_path / "other"), four)


def stopping(system: ADASystem, stop_at: int) -> Callable[[int, int], Tensor]:
    """The usual conditioner, which gets a real SIGTERM in one block."""

    def condition(start: int, stop: int) -> Tensor:
        if start == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return conditioner(system)(start, stop)

    return condition


@pytest.mark.parametrize("steps", [64, 61])
@pytest.mark.parametrize("stop_at", [0, 2, 8, 12])
def test_stopped_in_any_block_it_goes_on_to_the_same(ada: ADASystem, tmp_path: Path, stop_at: int, steps: int) -> None:
    asked = request(steps=steps, hop=ada.hop)
    whole = below(ada, tmp_path / "whole", steps)
    with pytest.raises(Interrupted, match=f"after step {4 * stop_at + 8} of {steps}"):
        generate(of(ada.local_model), asked, tmp_path / "run", stopping(ada, stop_at), block=8)
    saved = load_latest(tmp_path / "run" / "checkpoints")
    assert saved is not None and saved.step == 4 * stop_at + 8
    on_disk = np.fromfile(tmp_path / "run" / "drawn.bin", np.uint8).reshape(-1, 2).T
    assert np.array_equal(on_disk, whole[:, : saved.step])
    assert np.array_equal(below(ada, tmp_path / "run", steps), whole)


class Killed(BaseException):
    """Stands for a death between two lines."""


def test_killed_in_any_block_it_goes_on_to_the_same(ada: ADASystem, tmp_path: Path) -> None:
    whole = below(ada, tmp_path / "whole")
    asked = request(steps=64, save_every=0, hop=ada.hop)
    for start in range(0, 16, 4):

        def dying(first: int, stop: int, at: int = start) -> Tensor:
            if first == at:
                raise Killed
            return conditioner(ada)(first, stop)

        with pytest.raises(Killed):
            generate(of(ada.local_model), asked, tmp_path / "run", dying, block=8)
        saved = load_latest(tmp_path / "run" / "checkpoints")
        assert (saved.step if saved else 0) == 4 * start
    assert np.array_equal(below(ada, tmp_path / "run"), whole)


def test_it_goes_on_past_a_torn_state(wavenet: WaveNet, tmp_path: Path) -> None:
    whole = generate(of(wavenet), request(save_every=0), tmp_path / "run", block=10).copy()
    states = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert [path.name[5:14] for path in states] == ["000000050", "000000060"]
    states[1].write_bytes(states[1].read_bytes()[:300])
    assert np.array_equal(generate(of(wavenet), request(), tmp_path / "run", block=10), whole)


@pytest.mark.parametrize("harm", [b"", b"\x00" * 30, None])
def test_a_torn_file_of_steps_is_drawn_anew(
    wavenet: WaveNet, tmp_path: Path, harm: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    whole = generate(of(wavenet), request(save_every=0), tmp_path / "run", block=10).copy()
    held = tmp_path / "run" / "drawn.bin"
    if harm is None:
        held.unlink()
    else:
        held.write_bytes(harm + held.read_bytes()[len(harm) : 70])
    assert np.array_equal(generate(of(wavenet), request(), tmp_path / "run", block=10), whole)
    assert "beginning anew" in caplog.text
    # and what it leaves is whole: nothing is drawn again
    assert [path.name[5:14] for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["000000060"]


class Renamed(ReferenceEngine):
    """The same engine under another name."""

    @property
    def name(self) -> EngineName:
        return "numba"


def test_what_one_engine_began_another_begins_anew(
    wavenet: WaveNet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = generate(of(wavenet), request(), tmp_path / "whole")
    generate(of(wavenet), request(steps=30, save_every=0), tmp_path / "run", block=10)
    drawn = generate(lambda begun_by: Renamed(wavenet, 2, DRAW), request(), tmp_path / "run", block=10)
    assert "engine reference drew the first 30 steps" in caplog.text
    assert np.array_equal(drawn, whole)


def test_the_builder_is_reported_who_began_and_not_asked_when_all_is_drawn(wavenet: WaveNet, tmp_path: Path) -> None:
    shown: list[EngineName | None] = []

    def build(begun_by: EngineName | None) -> Engine:
        shown.append(begun_by)
        return ReferenceEngine(wavenet, 2, DRAW)

    generate(build, request(steps=30), tmp_path / "run")
    whole = generate(build, request(), tmp_path / "run")
    assert shown == [None, "reference"]
    assert np.array_equal(generate(build, request(), tmp_path / "run"), whole)
    assert len(shown) == 2


class Reshaped(ReferenceEngine):
    """A later version of an engine, whose state has grown."""

    def state(self) -> dict[str, Tensor]:
        return {**super().state(), "more": torch.zeros(1)}


def test_a_state_of_another_version_is_not_taken(
    wavenet: WaveNet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = generate(of(wavenet), request(), tmp_path / "whole")
    generate(of(wavenet), request(steps=30), tmp_path / "run")
    drawn = generate(lambda begun_by: Reshaped(wavenet, 2, DRAW), request(), tmp_path / "run")
    assert "another version of engine reference" in caplog.text
    assert np.array_equal(drawn, whole)


def test_what_cannot_be_written_is_reported_with_a_cure(wavenet: WaveNet, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))
    try:
        with pytest.raises(SamplingError, match="cannot be saved: File too large"):
            generate(of(wavenet), request(), tmp_path / "run", block=10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_codes_steer_what_is_drawn_below_them(ada: ADASystem, tmp_path: Path) -> None:
    drawn = below(ada, tmp_path / "one")
    later = CODES.clone()
    later[:, 12:] = (later[:, 12:] + 1) % 8
    other = below(ada, tmp_path / "other", codes=later)
    # the modulator sees so many codes ahead, and no further
    untouched = (12 - ada.modulator.reach.right) * ada.hop
    assert untouched > 0
    assert np.array_equal(drawn[:, :untouched], other[:, :untouched])
    assert not np.array_equal(drawn, other)


def test_a_folder_in_use_is_refused(wavenet: WaveNet, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match="in use"):
        generate(of(wavenet), request(), tmp_path, patience=0)


def test_a_state_that_cannot_be_saved_is_reported(wavenet: WaveNet, tmp_path: Path) -> None:
    class Obstructing(ReferenceEngine):
        """Its state's folder is taken by a file before it is saved."""

        def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
            (tmp_path / "checkpoints").write_text("a file where the folder should be")
            return super().generate(uniforms, conditioning)

    with pytest.raises(SamplingError, match="state after step 10 cannot be saved"):
        generate(lambda begun_by: Obstructing(wavenet, 2, DRAW), request(save_every=0), tmp_path, block=10)


def test_how_long_it_takes_is_said_before_and_the_draw_is_the_same(
    ada: ADASystem, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps that are timed are forgotten: state, file and draws are as if they had never been."""
    expected = np.array(below(ada, tmp_path / "plain"))
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("descant.sampling.generate.LEAST_ESTIMATED", 32)
    monkeypatch.setattr("descant.sampling.generate.TIMED_STEPS", 7)
    assert np.array_equal(below(ada, tmp_path / "estimated"), expected)
    said = capsys.readouterr().out
    assert "estimated: 2 x 64 steps to draw take about" in said and said.count("\n") == 1
