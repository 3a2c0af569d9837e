"""Training is exact: stopped or killed at any step and gone on with, it ends bit-equal to one never disturbed."""

import errno
import os
import random
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from waits import Waits

from descant.config.networks import ADA, WaveNetShape
from descant.config.training import Training
from descant.errors import DivergedError, RunError, TrainingError
from descant.runs import checkpoint
from descant.runs.checkpoint import Checkpoint
from descant.runs.folder import locked
from descant.runs.interruption import Interrupted
from descant.sequences import PackedSequence
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS, StepLoss, System
from descant.systems.wavenet import WaveNetSystem
from descant.training.devices import Devices
from descant.training.loop import Stretch, Trained, Trainer, TrainingData, kept_weights
from descant.training.windows import Windows

SEED = 5


class Disturbed(Windows):
    """Windows that do something to the training when those of a step are asked for."""

    def __init__(self, sequence: PackedSequence, length: int, at: int, what: Callable[[], None]) -> None:
        super().__init__({STEPS: sequence}, "train", length, SEED)
        self.at = at
        self.what = what
        self.happened = False

    def batch(self, step: int, first: int, count: int) -> dict[str, Tensor]:
        if step == self.at and not self.happened:
            self.happened = True
            self.what()
        return super().batch(step, first, count)


class Watched(Windows):
    """Windows that note which were expected and which were asked for."""

    def __init__(self, sequence: PackedSequence, length: int) -> None:
        super().__init__({STEPS: sequence}, "train", length, SEED)
        self.expected: set[tuple[int, int, int]] = set()
        self.asked: list[tuple[int, int, int]] = []

    def expect(self, step: int, first: int, count: int) -> None:
        self.expected.add((step, first, count))
        super().expect(step, first, count)

    def batch(self, step: int, first: int, count: int) -> dict[str, Tensor]:
        assert step == 0 or (step, first, count) in self.expected
        self.asked.append((step, first, count))
        return super().batch(step, first, count)


class Killed(BaseException):
    """Stands for a death between two lines: nothing is saved on the way out."""


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def die() -> None:
    raise Killed


@dataclass(frozen=True)
class Case:
    """One training, to be run in many ways."""

    build: Callable[[], System]
    training: Training
    sequence: PackedSequence

    def trainer(
        self, folder: Path, at: int = -1, what: Callable[[], None] = die, stretch: Stretch | None = None
    ) -> Trainer:
        torch.manual_seed(3)
        window = self.training.window
        data = TrainingData(
            Disturbed(self.sequence, window, at, what), Windows({STEPS: self.sequence}, "validation", window, SEED)
        )
        return Trainer(self.build(), self.training, data, folder, SEED, stretch=stretch)

    def finish(self, folder: Path) -> "End":
        trained = self.trainer(folder).run()
        found = checkpoint.load_latest(folder / "checkpoints")
        assert found is not None and found.step == self.training.steps
        return End(trained, found.tensors)


@dataclass(frozen=True)
class End:
    """All that a training leaves."""

    trained: Trained
    state: Mapping[str, Tensor]


def differences(one: End, other: End) -> list[str]:
    """Names of everything that is not the same to the bit."""
    wrong = [f"state {name}" for name in one.state.keys() ^ other.state.keys()]
    wrong += [
        f"state {n}" for n in one.state.keys() & other.state.keys() if not torch.equal(one.state[n], other.state[n])
    ]
    weights, others = one.trained.weights, other.trained.weights
    wrong += [f"weights {name}" for name in weights.keys() ^ others.keys()]
    wrong += [f"weights {n}" for n in weights.keys() & others.keys() if not torch.equal(weights[n], others[n])]
    return wrong + (["history"] if one.trained.history != other.trained.history else [])


@pytest.fixture(scope="module")
def cases(
    tiny_sequence: PackedSequence,
    tiny_training: Callable[..., Training],
    tiny_shape: Callable[..., WaveNetShape],
    tiny_ada: Callable[..., ADA],
) -> dict[str, Case]:
    vq: dict[str, Any] = {"kind": "vq", "classes": 8, "query_dim": 4, "ema_decay": 0.5, "restart_below": 0.2}
    schedule = {"warmup_steps": 3, "decay": "cosine"}
    return {
        "prior": Case(lambda: WaveNetSystem(tiny_shape(), 16), tiny_training(schedule=schedule), tiny_sequence),
        "vq": Case(
            lambda: ADASystem(tiny_ada(vq, jitter=0.2), 16),
            tiny_training(accumulate=2, average_decay=0.9, weight_decay=0.1),
            tiny_sequence,
        ),
        "argmax": Case(
            lambda: ADASystem(tiny_ada({"kind": "argmax", "classes": 8}), 16), tiny_training(), tiny_sequence
        ),
    }


@pytest.fixture(scope="module")
def undisturbed(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    return {name: case.finish(tmp_path_factory.mktemp(name) / "run") for name, case in cases.items()}


NAMES = ["prior", "vq", "argmax"]


@pytest.mark.parametrize("name", NAMES)
def test_training_learns_and_its_figures_are_where_they_should_be(undisturbed: dict[str, End], name: str) -> None:
    history = undisturbed[name].trained.history
    bits = {(row.step, row.split): row.value for row in history if row.metric == "bits"}
    assert [step for step, split in bits if split == "train"] == [2, 4, 6, 8, 10, 12]
    assert [step for step, split in bits if split == "validation"] == [4, 8, 12]
    assert bits[12, "validation"] < bits[4, "validation"] < 4.5
    assert all(np.isfinite(row.value) for row in history)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_training_twice_is_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str
) -> None:
    assert differences(cases[name].finish(tmp_path / "run"), undisturbed[name]) == []


@pytest.fixture(scope="module")
def longer(cases: dict[str, Case]) -> dict[str, Case]:
    """The same of twenty steps."""
    training = {name: case.training.model_copy(update={"steps": 20}) for name, case in cases.items()}
    return {name: Case(case.build, training[name], case.sequence) for name, case in cases.items()}


@pytest.fixture(scope="module")
def longer_undisturbed(longer: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    return {name: case.finish(tmp_path_factory.mktemp(name) / "run") for name, case in longer.items()}


def scramble_generators() -> None:
    """Leave the global generators of random numbers as a new process might find them."""
    random.seed()
    np.random.seed()
    torch.seed()


@pytest.mark.parametrize("stop", [1, 7, 10, 13, 19])
@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_gone_on_with_it_ends_the_same(
    longer: dict[str, Case], longer_undisturbed: dict[str, End], tmp_path: Path, name: str, stop: int
) -> None:
    with pytest.raises(Interrupted, match=f"after step {stop} of 20"):
        longer[name].trainer(tmp_path, at=stop - 1, what=ask_to_stop).run()
    found = checkpoint.load_latest(tmp_path / "checkpoints")
    assert found is not None and found.step == stop
    scramble_generators()
    assert differences(longer[name].finish(tmp_path), longer_undisturbed[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_drawn_from_global_generators(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str
) -> None:
    trained = cases[name].trainer(tmp_path, at=5, what=scramble_generators).run()
    found = checkpoint.load_latest(tmp_path / "checkpoints")
    assert found is not None
    assert differences(End(trained, found.tensors), undisturbed[name]) == []


@pytest.mark.parametrize("death", [2, 6])
@pytest.mark.parametrize("name", NAMES)
def test_killed_and_gone_on_with_it_ends_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str, death: int
) -> None:
    with pytest.raises(Killed):
        cases[name].trainer(tmp_path, at=death, what=die).run()
    found = checkpoint.load_latest(tmp_path / "checkpoints")
    assert (found is None) if death < 4 else (found is not None and found.step == 4)
    assert differences(cases[name].finish(tmp_path), undisturbed[name]) == []


def test_killed_with_a_torn_checkpoint_it_ends_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        cases["vq"].trainer(tmp_path, at=9, what=die).run()
    torn = tmp_path / "checkpoints" / "step-000000008.safetensors"
    torn.write_bytes(torn.read_bytes()[:-100])
    assert differences(cases["vq"].finish(tmp_path), undisturbed["vq"]) == []


def test_a_finished_training_gone_on_with_does_nothing_and_gives_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path
) -> None:
    cases["vq"].finish(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").iterdir()}
    assert differences(cases["vq"].finish(tmp_path), undisturbed["vq"]) == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").iterdir()} == before


@pytest.mark.parametrize("ends", [(8,), (1, 2, 11)])
@pytest.mark.parametrize("name", NAMES)
def test_done_in_stretches_it_ends_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str, ends: tuple[int, ...]
) -> None:
    state, start = None, None
    figures = set()
    for number, until in enumerate((*ends, 12)):
        folder = tmp_path / str(number)
        trained = cases[name].trainer(folder, stretch=Stretch(until, start)).run()
        state = checkpoint.load_latest(folder / "checkpoints")
        (start,) = (folder / "checkpoints").glob(f"step-*{until}.safetensors")
        assert state is not None and state.step == until
        first = 0 if not number else ends[number - 1]
        assert all(first < row.step <= until for row in trained.history)
        assert (until, "validation") in {(row.step, row.split) for row in trained.history}
        assert all(torch.equal(value, kept_weights(state)[key]) for key, value in trained.weights.items())
        figures |= set(trained.history)
    assert state is not None
    history = undisturbed[name].trained.history
    assert differences(End(Trained(trained.weights, history), state.tensors), undisturbed[name]) == []
    # and more than these: a stretch's last step is always shown and validated
    assert set(history) <= figures


def test_a_stretch_killed_and_gone_on_with_ends_the_same(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path
) -> None:
    case = cases["vq"]
    case.trainer(tmp_path / "first", stretch=Stretch(5)).run()
    (start,) = (tmp_path / "first" / "checkpoints").glob("step-*5.safetensors")
    for death in (5, 9):
        with pytest.raises(Killed):
            case.trainer(tmp_path / "second", at=death, what=die, stretch=Stretch(12, start)).run()
    trained = case.trainer(tmp_path / "second", stretch=Stretch(12, start)).run()
    assert all(torch.equal(value, undisturbed["vq"].trained.weights[name]) for name, value in trained.weights.items())


@pytest.mark.parametrize("name", NAMES)
def test_with_pauses_it_ends_the_same_and_what_was_kept_stays(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str
) -> None:
    keep = (5, 8)
    case = replace(cases[name], training=cases[name].training.model_copy(update={"keep": keep}))
    # killed on the way to the first pause, and on the way from it
    for until, death in ((5, 4), (8, 7)):
        with pytest.raises(Killed):
            case.trainer(tmp_path, at=death, what=die, stretch=Stretch(until)).run()
        paused = case.trainer(tmp_path, stretch=Stretch(until)).run()
        apart = cases[name].trainer(tmp_path / f"apart{until}", stretch=Stretch(until)).run()
        assert all(torch.equal(value, apart.weights[key]) for key, value in paused.weights.items())
    ended = case.finish(tmp_path)
    whole = undisturbed[name]
    assert differences(End(Trained(ended.trained.weights, whole.trained.history), ended.state), whole) == []
    # the last step before a pause is shown and validated, and so is all that is without it
    assert set(whole.trained.history) < set(ended.trained.history)
    kept = {f"step-{step:09d}.safetensors" for step in (*keep, 12)}
    assert kept <= {path.name for path in (tmp_path / "checkpoints").iterdir()}
    again = case.trainer(tmp_path, stretch=Stretch(5)).run()
    first = checkpoint.read(tmp_path / "checkpoints" / "step-000000005.safetensors")
    assert all(torch.equal(value, kept_weights(first)[key]) for key, value in again.weights.items())
    assert again.history == [row for row in ended.trained.history if row.step <= 5]
    assert differences(case.finish(tmp_path), ended) == []
    (tmp_path / "checkpoints" / "step-000000005.safetensors").unlink()
    with pytest.raises(RunError, match="is past step 5 and has not kept it") as refused:
        case.trainer(tmp_path, stretch=Stretch(5)).run()
    assert str(tmp_path) in refused.value.cure


def test_every_window_is_expected_a_step_before(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["vq"]
    windows = Watched(case.sequence, case.training.window)
    validation = Windows({STEPS: case.sequence}, "validation", case.training.window, SEED)
    Trainer(case.build(), case.training, TrainingData(windows, validation), tmp_path, SEED).run()
    assert len(windows.asked) == case.training.steps * case.training.accumulate


def without_optimizer(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith("optimizer.")}


def with_zeroed(part: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    def forget(state: dict[str, Tensor]) -> dict[str, Tensor]:
        assert any(part in name for name in state)
        return {name: torch.zeros_like(tensor) if part in name else tensor for name, tensor in state.items()}

    return forget


def with_a_fresh_average(state: dict[str, Tensor]) -> dict[str, Tensor]:
    own = {
        name.replace("system.", "averaged.", 1): value for name, value in state.items() if name.startswith("system.")
    }
    return {**state, **{name: value.clone() for name, value in own.items()}}


FORGETTING = {
    "optimizer": without_optimizer,
    "first moments": with_zeroed(".exp_avg"),
    "optimizer's step": with_zeroed(".step"),
    "average": with_a_fresh_average,
    "codebook's usage": with_zeroed("bottleneck.usage"),
    "codebook's sums": with_zeroed("bottleneck.sums"),
    "codebook's start": with_zeroed("bottleneck.initialised"),
    "queries' moments": with_zeroed("encoder.normalise.running"),
}


@pytest.mark.parametrize("part", FORGETTING)
def test_a_checkpoint_that_forgets_a_part_would_be_noticed(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, part: str
) -> None:
    with pytest.raises(Interrupted):
        cases["vq"].trainer(tmp_path, at=4, what=ask_to_stop).run()
    found = checkpoint.load_latest(tmp_path / "checkpoints")
    assert found is not None
    checkpoint.save(tmp_path / "checkpoints", Checkpoint(found.step, FORGETTING[part](dict(found.tensors))), keep=2)
    wrong = differences(cases["vq"].finish(tmp_path), undisturbed["vq"])
    assert any(name.startswith("weights") for name in wrong)
    # forgetting the average is seen only in what is kept: the training itself goes its way
    assert any(name.startswith("state system") for name in wrong) == (part != "average")


def role(name: str) -> str:
    """What an item of a checkpoint is, whichever layer or parameter it belongs to."""
    owner, *_, last = name.split(".")
    return f"{owner}.{last}"


def test_every_item_of_a_checkpoint_counts(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["vq"]
    with pytest.raises(Interrupted):
        case.trainer(tmp_path / "stopped", at=10, what=ask_to_stop).run()
    shutil.copytree(tmp_path / "stopped", tmp_path / "whole")
    whole = case.finish(tmp_path / "whole")
    found = checkpoint.load_latest(tmp_path / "stopped" / "checkpoints")
    assert found is not None
    fresh = case.trainer(tmp_path / "fresh").state()
    # what would stand there, were it not saved: Adam's slots begin at zero
    forgotten = {name: fresh.get(name, torch.zeros_like(value)) for name, value in found.tensors.items()}
    changed = [name for name, value in found.tensors.items() if not torch.equal(value, forgotten[name])]
    noticed = {}
    for number, name in enumerate({role(name): name for name in changed}.values()):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "stopped", folder)
        harmed = Checkpoint(found.step, {**found.tensors, name: forgotten[name]})
        checkpoint.save(folder / "checkpoints", harmed, keep=2)
        noticed[role(name)] = bool(differences(case.finish(folder), whole))
    assert {"optimizer.exp_avg", "optimizer.exp_avg_sq", "optimizer.step", "system.codebook"} <= noticed.keys()
    unchanged = {role(name) for name in found.tensors} - noticed.keys()
    assert {name.partition(".")[2] for name in unchanged} == {"num_batches_tracked"}, "a counter that nothing moves"
    # the average's copy is taken from the system at every step
    assert [name for name in noticed if not noticed[name]] == ["averaged.initialised"]


def test_the_step_and_the_rows_are_part_of_the_state(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path
) -> None:
    for forget in ("step", "rows"):
        folder = tmp_path / forget
        with pytest.raises(Interrupted):
            cases["prior"].trainer(folder, at=5, what=ask_to_stop).run()
        found = checkpoint.load_latest(folder / "checkpoints")
        assert found is not None and found.step == 6
        if forget == "step":
            shutil.rmtree(folder / "checkpoints")
            checkpoint.save(folder / "checkpoints", Checkpoint(5, found.tensors), keep=2)
        else:
            (folder / "history.csv").unlink()
        wrong = differences(cases["prior"].finish(folder), undisturbed["prior"])
        assert "history" in wrong
        assert any(name.startswith("weights") for name in wrong) == (forget == "step")


def test_the_run_directory_is_locked_while_training(cases: dict[str, Case], tmp_path: Path) -> None:
    refused = []

    def try_to_enter() -> None:
        with pytest.raises(RunError) as shown, locked(tmp_path):
            pass
        refused.append(shown.value)
        ask_to_stop()

    with pytest.raises(Interrupted):
        cases["prior"].trainer(tmp_path, at=0, what=try_to_enter).run()
    assert str(os.getpid()) in str(refused[0])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_and_leaves_the_checkpoint(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, value: float
) -> None:
    before: dict[str, bytes] = {}

    def poison() -> None:
        before.update(files_of(tmp_path / "checkpoints"))
        system = trainer.system
        assert isinstance(system, WaveNetSystem)
        system.wavenet.logits.bias.data.fill_(value)

    trainer = cases["prior"].trainer(tmp_path, at=7, what=poison)
    with pytest.raises(DivergedError, match="step 7: loss is nan") as shown:
        trainer.run()
    assert "learning_rate" in shown.value.cure
    assert before and files_of(tmp_path / "checkpoints") == before
    assert differences(cases["prior"].finish(tmp_path), undisturbed["prior"]) == []


def break_the_loss(system: System, value: float) -> None:
    whole = system.forward

    def forward(*given: Any) -> StepLoss:
        result = whole(*given)
        # a constant: every gradient stays as it was
        return replace(result, loss=result.loss + value)

    system.forward = forward  # type: ignore[method-assign]


def break_a_gradient(system: System, value: float) -> None:
    next(iter(system.parameters())).register_hook(lambda gradient: torch.full_like(gradient, value))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("broken", [break_the_loss, break_a_gradient])
def test_loss_or_gradient_that_is_no_number_stops_and_its_windows_are_reported(
    cases: dict[str, Case],
    undisturbed: dict[str, End],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    broken: Callable[[System, float], None],
    value: float,
) -> None:
    before: dict[str, bytes] = {}

    def harm() -> None:
        before.update(files_of(tmp_path / "checkpoints"))
        broken(trainer.system, value)

    trainer = cases["prior"].trainer(tmp_path, at=7, what=harm)
    with pytest.raises(
        TrainingError, match=f"step 7: loss is {value}" if broken is break_the_loss else "step 7: loss is [0-9]"
    ):
        trainer.run()
    sequence = cases["prior"].sequence
    offsets = dict(zip(sequence.index["track"], sequence.index["offset"], strict=True))
    shown = [offsets[track] + int(start) for track, start in re.findall(r"(\w{16}) from (\d+)", caplog.text)]
    assert shown == list(Windows({STEPS: sequence}, "train", 32, SEED).starts(7, 0, 3, STEPS))
    assert before and files_of(tmp_path / "checkpoints") == before
    assert differences(cases["prior"].finish(tmp_path), undisturbed["prior"]) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_checkpoint_holds_what_is_no_number(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, value: float
) -> None:
    # the loss does not see what the end of a step breaks: the codebook, which steps move without a gradient
    trainer = cases["vq"].trainer(tmp_path)
    finish = trainer.system.finish_step

    def break_the_codebook(*given: Any) -> None:
        finish(*given)
        if trainer.step == 7:
            trainer.system.get_buffer("bottleneck.sums")[0, 0] = value

    trainer.system.finish_step = break_the_codebook  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match=r"after step 8: .*bottleneck\.sums") as shown:
        trainer.run()
    assert "last good checkpoint" in shown.value.cure
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000004.safetensors"]
    assert differences(cases["vq"].finish(tmp_path), undisturbed["vq"]) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_step_fetches_no_number_from_the_device(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    trainer = cases[name].trainer(tmp_path)
    trainer._train_step()
    for _ in range(2):
        trainer.step += 1
        with Waits() as waits:
            trainer._train_step()
        assert waits.places == []


def test_between_what_is_shown_nothing_is_fetched(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["prior"]
    quiet = {"log_every": 100, "validate_every": 100, "checkpoint_every": 100, "average_decay": 0.9}
    found = []
    for steps in (5, 25):
        training = case.training.model_copy(update={**quiet, "steps": steps})
        with Waits() as waits:
            Case(case.build, training, case.sequence).trainer(tmp_path / str(steps)).run()
        found.append(len(waits.places))
    assert found[0] == found[1] > 0


def test_what_breaks_between_what_is_shown_is_named_by_its_own_step(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["prior"]
    rare = case.training.model_copy(update={"log_every": 10, "validate_every": 12, "checkpoint_every": 4})
    trainer = Case(case.build, rare, case.sequence).trainer(
        tmp_path, at=5, what=lambda: break_the_loss(trainer.system, float("inf"))
    )
    with pytest.raises(DivergedError, match="step 5: loss is inf"):
        trainer.run()
    assert trainer.step == 8 and trainer.rows == []
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000004.safetensors"]


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu_the_curve_is_the_cpu_s_and_it_goes_on_from_a_stop(
    cases: dict[str, Case], undisturbed: dict[str, End], tmp_path: Path, name: str
) -> None:
    case = cases[name]

    def trainer(until: int) -> Trainer:
        torch.manual_seed(3)
        train, validation = (Windows({STEPS: case.sequence}, split, 32, SEED) for split in ("train", "validation"))
        data = TrainingData(train, validation)
        return Trainer(case.build(), case.training, data, tmp_path, SEED, Devices("cuda"), Stretch(until))

    trainer(6).run()
    rows = trainer(12).run().history
    curve = {(row.step, row.split): row.value for row in rows if row.metric == "bits"}
    expected = {(row.step, row.split): row.value for row in undisturbed[name].trained.history if row.metric == "bits"}
    assert curve.keys() >= expected.keys()
    assert [curve[place] for place in expected] == pytest.approx(list(expected.values()), rel=2e-2)


def test_a_learning_rate_too_high_is_reported(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["prior"]
    wild = Case(case.build, case.training.model_copy(update={"learning_rate": 1e30}), case.sequence)
    with pytest.raises(TrainingError, match="step 1: loss is"):
        wild.trainer(tmp_path).run()


def test_a_checkpoint_that_cannot_be_written_is_reported(cases: dict[str, Case], tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(TrainingError, match="checkpoint of step 4 cannot be written") as shown:
        cases["prior"].trainer(tmp_path).run()
    assert "disk space" in shown.value.cure


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
def test_when_the_disk_takes_it_again_it_goes_on(
    cases: dict[str, Case],
    undisturbed: dict[str, End],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    def refuse(*given: object) -> None:
        raise OSError(number, os.strerror(number))

    trainer = cases["vq"].trainer(tmp_path, at=7, what=lambda: monkeypatch.setattr(os, "replace", refuse))
    size = trainer.checkpoint_bytes
    with pytest.raises(TrainingError, match=rf"step 8 .*: {os.strerror(number)}; it takes {size:,} bytes"):
        trainer.run()
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000004.safetensors"]
    assert differences(cases["vq"].finish(tmp_path), undisturbed["vq"]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_a_checkpoint_is_known_before_the_first(
    cases: dict[str, Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    trainer = cases[name].trainer(tmp_path)
    size = trainer.checkpoint_bytes
    free = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda path: free._replace(free=3 * size - 1))
        with pytest.raises(RunError, match=f"need {3 * size:,} bytes .* has {3 * size - 1:,}") as shown:
            trainer.run()
        assert "free disk space" in shown.value.cure
        assert not (tmp_path / "history.csv").exists(), "it is reported before anything is done"
        patched.setattr(shutil, "disk_usage", lambda path: free._replace(free=3 * size))
        cases[name].finish(tmp_path)
        # what is done needs no more
        patched.setattr(shutil, "disk_usage", lambda path: free._replace(free=0))
        cases[name].finish(tmp_path)
    saved = checkpoint.load_latest(tmp_path / "checkpoints")
    assert saved is not None
    # Adam counts its steps in one float a parameter
    assert size == pytest.approx(sum(tensor.nbytes for tensor in saved.tensors.values()), rel=0.05)


def test_the_average_is_the_one_of_its_definition(cases: dict[str, Case], tmp_path: Path) -> None:
    averaging = Case(
        cases["prior"].build,
        cases["prior"].training.model_copy(update={"average_decay": 0.4, "steps": 4, "checkpoint_every": 1}),
        cases["prior"].sequence,
    )
    weights: list[dict[str, Tensor]] = []

    class Watched(Disturbed):
        def batch(self, step: int, first: int, count: int) -> dict[str, Tensor]:
            weights.append({name: value.clone() for name, value in trainer.system.state_dict().items()})
            return super().batch(step, first, count)

    trainer = averaging.trainer(tmp_path)
    watched = Watched(averaging.sequence, averaging.training.window, -1, die)
    trainer.data = TrainingData(watched, trainer.data.validation)
    trained = trainer.run()
    weights.append({name: value.clone() for name, value in trainer.system.state_dict().items()})
    expected = weights[0]
    for step, after in enumerate(weights[1:]):
        decay = min(0.4, (1 + step) / (10 + step))
        expected = {name: decay * expected[name] + (1 - decay) * after[name] for name in expected}
    for name, value in trained.weights.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6)
    assert not torch.equal(trained.weights["wavenet.logits.bias"], weights[-1]["wavenet.logits.bias"])


def test_the_codebook_is_averaged_with_the_weights_it_was_seen_with(undisturbed: dict[str, End]) -> None:
    end = undisturbed["vq"]
    kept = {name: end.trained.weights[f"bottleneck.{name}"] for name in ("codebook", "usage", "sums", "initialised")}
    raw = {name: end.state[f"system.bottleneck.{name}"] for name in kept}
    assert torch.equal(kept["initialised"], raw["initialised"])
    for name in ("codebook", "usage", "sums"):
        assert not torch.equal(kept[name], raw[name])
    assert not torch.equal(end.trained.weights["encoder.queries.weight"], end.state["system.encoder.queries.weight"])


def test_accumulated_batches_are_one_larger_batch(cases: dict[str, Case], tmp_path: Path) -> None:
    # every parameter's gradient is a mean over windows, so two batches of three are one of six
    case, ends = cases["prior"], []
    for number, over in enumerate(({"batch": 6}, {"batch": 3, "accumulate": 2})):
        training = case.training.model_copy(update={**over, "validation_batches": 1})
        ends.append(Case(case.build, training, case.sequence).finish(tmp_path / str(number)))
    for name, value in ends[0].trained.weights.items():
        torch.testing.assert_close(value, ends[1].trained.weights[name], rtol=1e-3, atol=1e-4)
    # Adam forgives a gradient that is too large; its norm is shown
    figures = [[(row.step, row.metric) for row in end.trained.history if row.split == "train"] for end in ends]
    assert figures[0] == figures[1] and (12, "gradient_norm") in figures[0]
    values = [[row.value for row in end.trained.history if row.split == "train"] for end in ends]
    assert values[0] == pytest.approx(values[1], rel=1e-2)


def test_validation_is_always_on_the_same_windows(cases: dict[str, Case], tmp_path: Path) -> None:
    trainer = cases["vq"].trainer(tmp_path)
    first = trainer.validate()
    trainer.step = 7
    assert trainer.validate() == first
    assert first["bits"] == pytest.approx(4, abs=1), "about log2 of 16 classes before any training"
