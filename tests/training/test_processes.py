"""Several processes that share a training give what one gives, but for the order in which floats are added."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from descant.config.networks import ADA, Prior, WaveNetShape
from descant.config.training import Training
from descant.errors import TrainingError
from descant.runs.interruption import EXIT_INTERRUPTED
from descant.sequences import PackedSequence
from descant.systems.base import STEPS
from descant.systems.wavenet import WaveNetSystem
from descant.training.devices import Devices
from descant.training.loop import Trainer, TrainingData
from descant.training.windows import Windows

PROGRAM = Path(__file__).with_name("shared_training.py")


@dataclass(frozen=True)
class Shared:
    """One training, to be run by one process or by several."""

    kind: str
    settings: str
    sequence: Path

    def start(self, folder: Path, processes: int) -> subprocess.Popen[bytes]:
        folder.mkdir(exist_ok=True)
        arguments = [self.kind, self.settings, str(self.sequence), str(folder / "runs"), str(folder), str(processes)]
        with (folder / "log.txt").open("ab") as log:
            return subprocess.Popen([sys.executable, str(PROGRAM), *arguments], stdout=log, stderr=log)

    def start_on_nodes(self, folder: Path) -> list[subprocess.Popen[bytes]]:
        """What srun starts on two nodes, here on one machine."""
        folder.mkdir(exist_ok=True)
        job = {"SLURM_JOB_NODELIST": "localhost", "SLURM_JOB_ID": str(os.getpid() + int(time.time()))}
        arguments = [self.kind, self.settings, str(self.sequence), str(folder / "runs"), str(folder), "1", "2"]
        started = []
        for node in range(2):
            with (folder / f"log{node}.txt").open("ab") as log:
                environment = {**os.environ, **job, "SLURM_NODEID": str(node)}
                command = [sys.executable, str(PROGRAM), *arguments]
                started.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        return started

    def finish(self, folder: Path, processes: int) -> Path:
        running = self.start(folder, processes)
        assert running.wait(120) == 0, (folder / "log.txt").read_text()
        return folder


@pytest.fixture(scope="module")
def shared(
    tiny_sequence: PackedSequence,
    tiny_training: Callable[..., Training],
    tiny_shape: Callable[..., WaveNetShape],
    tiny_ada: Callable[..., ADA],
) -> dict[str, Shared]:
    training = tiny_training(steps=30, accumulate=4, batch=2, average_decay=0.9, log_every=1, checkpoint_every=5)
    vq = {"kind": "vq", "classes": 8, "query_dim": 4, "ema_decay": 0.5, "restart_below": 0.2}
    ada = tiny_ada(vq, jitter=0.2).model_copy(update={"training": training})
    prior = Prior(wavenet=tiny_shape(), training=training)
    folder = Path(str(tiny_sequence.data.filename)).parent
    return {
        "ada": Shared("ada", ada.model_dump_json(), folder),
        "prior": Shared("wavenet", prior.model_dump_json(), folder),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ada", "prior"])
def test_two_processes_learn_what_one_learns(shared: dict[str, Shared], tmp_path: Path, name: str) -> None:
    alone, together = (shared[name].finish(tmp_path / str(count), count) for count in (1, 2))
    curve, other = (pd.read_csv(folder / "metrics.csv") for folder in (alone, together))
    assert len(curve) == len(other) > 30
    assert curve.drop(columns="value").equals(other.drop(columns="value"))
    # of two codes that are equally near, rounding takes one: what counts codes then differs by a whole one
    counted = curve["metric"].isin(["gap", "perplexity"])
    np.testing.assert_allclose(curve["value"][~counted], other["value"][~counted], rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(curve["value"][counted], other["value"][counted], rtol=5e-2, atol=2e-3)
    weights, others = (load_file(folder / "model.safetensors") for folder in (alone, together))
    # the normalisation after it cancels it, so that its gradient is rounding, which Adam makes large
    for weight in weights.keys() - {"encoder.queries.bias"}:
        np.testing.assert_allclose(weights[weight], others[weight], rtol=2e-2, atol=1e-2, err_msg=weight)


@pytest.mark.slow
def test_two_nodes_learn_what_one_learns_and_a_lost_one_ends_in_a_clean_resubmission(
    shared: dict[str, Shared], tmp_path: Path
) -> None:
    prior = shared["prior"]
    alone = prior.finish(tmp_path / "alone", 1)
    undisturbed = tmp_path / "undisturbed"
    for node in prior.start_on_nodes(undisturbed):
        assert node.wait(120) == 0, (undisturbed / "log0.txt").read_text()
    curve, other = (pd.read_csv(folder / "metrics.csv") for folder in (alone, undisturbed))
    assert curve.drop(columns="value").equals(other.drop(columns="value"))
    np.testing.assert_allclose(curve["value"], other["value"], rtol=2e-4, atol=2e-5)

    disturbed = tmp_path / "disturbed"
    first, second = prior.start_on_nodes(disturbed)
    deadline = time.monotonic() + 60
    while not newest(disturbed):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.01)
    second.kill()
    second.wait()
    # what waits for the lost one in a collective fails, where srun would end it sooner
    assert first.wait(60) != 0 or (disturbed / "model.safetensors").exists()
    assert newest(disturbed) > 0
    for node in prior.start_on_nodes(disturbed):
        assert node.wait(120) == 0, (disturbed / "log0.txt").read_text()
    for name in ("model.safetensors", "metrics.csv"):
        assert (disturbed / name).read_bytes() == (undisturbed / name).read_bytes()


def test_nodes_without_srun_are_reported(
    tiny_sequence: PackedSequence,
    tiny_training: Callable[..., Training],
    tiny_shape: Callable[..., WaveNetShape],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SLURM_NODEID", "SLURM_JOB_NODELIST", "SLURM_JOB_ID", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    settings = tiny_training(accumulate=2)
    windows = Windows({STEPS: tiny_sequence}, "train", settings.window, 1)
    with pytest.raises(TrainingError, match="SLURM_NODEID is not set: no srun"):
        Trainer(
            WaveNetSystem(tiny_shape(), 16), settings, TrainingData(windows, windows), tmp_path, 1, Devices(nodes=2)
        )


@pytest.mark.slow
def test_stopped_and_killed_they_go_on_to_the_same_bytes(shared: dict[str, Shared], tmp_path: Path) -> None:
    ada = shared["ada"]
    undisturbed = ada.finish(tmp_path / "undisturbed", 2)
    disturbed = tmp_path / "disturbed"
    for number in (signal.SIGTERM, signal.SIGKILL):
        running = ada.start(disturbed, 2)
        reached = newest(disturbed)
        deadline = time.monotonic() + 60
        while newest(disturbed) <= reached and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(number)
        allowed = (0, EXIT_INTERRUPTED) if number == signal.SIGTERM else (0, -number)
        assert running.wait(60) in allowed, (disturbed / "log.txt").read_text()
    ada.finish(disturbed, 2)
    for name in ("model.safetensors", "metrics.csv"):
        assert (disturbed / name).read_bytes() == (undisturbed / name).read_bytes()


def newest(folder: Path) -> int:
    """Steps of the newest checkpoint."""
    found = folder.glob("runs/*/checkpoints/step-*.safetensors")
    return max((int(path.stem.removeprefix("step-")) for path in found), default=0)


@pytest.mark.slow
def test_none_outlives_a_killed_leader(shared: dict[str, Shared], tmp_path: Path) -> None:
    running = shared["ada"].start(tmp_path / "run", 2)
    deadline = time.monotonic() + 60
    while not newest(tmp_path / "run"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    others = children(running.pid)
    assert others
    running.kill()
    running.wait()
    while any(Path(f"/proc/{pid}").exists() and not is_dead(pid) for pid in others):
        assert time.monotonic() < deadline, "a process waits for its killed leader"
        time.sleep(0.05)


@pytest.mark.slow
def test_they_talk_when_something_is_shown_and_seldom_between(shared: dict[str, Shared], tmp_path: Path) -> None:
    settings = json.loads(shared["prior"].settings)
    counts = []
    for steps in (8, 40):
        quiet = {"steps": steps, "log_every": 100, "validate_every": 100, "checkpoint_every": 100}
        settings["training"] |= quiet
        folder = Shared("wavenet", json.dumps(settings), shared["prior"].sequence).finish(tmp_path / str(steps), 2)
        said = re.findall(r"collectives (\{.*\})", (folder / "log.txt").read_text())
        counts.append(sum(json.loads(said[0].replace("'", '"')).values()))
    # DDP adds up the gradients of every step; every eighth asks whether to stop: a sum, and the barrier before it
    assert counts[1] - counts[0] <= (40 - 8) * (1 + 2 / 8)


@pytest.mark.slow
def test_a_broken_state_ends_all_of_them(shared: dict[str, Shared], tmp_path: Path) -> None:
    settings = json.loads(shared["prior"].settings)
    settings["training"] |= {"learning_rate": 1e39, "checkpoint_every": 1}
    broken = Shared("wavenet", json.dumps(settings), shared["prior"].sequence)
    assert broken.start(tmp_path / "run", 2).wait(60) == 1
    shown = (tmp_path / "run" / "log.txt").read_text()
    # nobody was left waiting in a collective
    assert shown.count("DivergedError: after step 1") == 2 and "peer" not in shown
    assert newest(tmp_path / "run") == 0


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_batches_that_cannot_be_dealt_are_reported(
    tiny_sequence: PackedSequence,
    tiny_training: Callable[..., Training],
    tiny_shape: Callable[..., WaveNetShape],
    tmp_path: Path,
) -> None:
    settings = tiny_training(accumulate=3)
    windows = Windows({STEPS: tiny_sequence}, "train", settings.window, 1)
    system = WaveNetSystem(tiny_shape(), 16)
    with pytest.raises(TrainingError, match="accumulate is 3, which 2 devices"):
        Trainer(system, settings, TrainingData(windows, windows), tmp_path, 1, Devices("cpu", 2))
    assert "LOCAL_RANK" not in os.environ, "nothing was started"
