"""A training or a drawing killed with SIGKILL again and again, at random times: what must hold after every kill."""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pipeline import environment

from descant.runs.checkpoint import load_latest
from descant.sequences import Labels, SequenceWriter
from descant.training.history import read_history

CLASSES = 256
SAVE_EVERY = 3
DRAWN, BLOCK = 2, 1024
# many weights and short steps: much of the time goes into saves, so that many kills land in them
SETTINGS = {
    "wavenet": {
        "stacks": 1,
        "layers_per_stack": 3,
        "kernel": 2,
        "start_kernel": 2,
        "residual_channels": 192,
        "gate_channels": 192,
        "skip_channels": 192,
    },
    "training": {
        "batch": 1,
        "window": 16,
        "average_decay": 0.9,
        "log_every": 1,
        "validate_every": 50,
        "validation_batches": 1,
        "checkpoint_every": SAVE_EVERY,
    },
}


@dataclass(frozen=True)
class Job:
    """A command that goes on where it was.

    Attributes:
        arguments: of the Python interpreter.
        folder: where it works; ``runs/*/checkpoints`` in it are its saved states.
        outputs: what it leaves there at its end.
        reached: steps that it is known to have done.
        interval: steps that a kill may cost: from one saved state to the next.
    """

    arguments: Sequence[str]
    folder: Path
    outputs: Sequence[str]
    reached: Callable[[Path], int]
    interval: int

    def start(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("ab") as log:
            command = [sys.executable, "-m", *self.arguments]
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment())

    def finish(self) -> "Ended":
        """Let it run to its end."""
        running = self.start()
        while running.poll() is None and not self.is_at_work(running):
            time.sleep(0.001)
        begun = time.monotonic()
        while running.poll() is None and not all((self.folder / name).exists() for name in self.outputs):
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        if code := running.wait(300):
            raise AssertionError(f"the job ended with {code}\n{(self.folder / 'log.txt').read_text()[-2000:]}")
        return Ended({name: (self.folder / name).read_bytes() for name in self.outputs}, seconds)

    def is_at_work(self, running: subprocess.Popen[bytes]) -> bool:
        """Whether this process has taken the run directory."""
        return self.held_by() == str(running.pid)

    def held_by(self) -> str:
        """The process that last held the run directory."""
        locks = list(self.folder.glob("runs/*/lock"))
        return locks[0].read_text() if locks else ""

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(f"runs/*/checkpoints/{pattern}"))

    def saved(self) -> int:
        """Steps of the newest saved state, which is whole."""
        files = self.files("step-*.safetensors")
        if not files:
            return 0
        # of a copy: to look clears away what a kill left, which is for the job to do
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(files[-1], folder)
            found = load_latest(Path(folder))
        assert found is not None, f"{files[-1].name} is torn"
        return found.step


@dataclass(frozen=True)
class Ended:
    """What a job left.

    Attributes:
        outputs: bytes by name.
        seconds: from taking the run directory to the last output.
    """

    outputs: dict[str, bytes]
    seconds: float


@dataclass
class Storm:
    """What came of the kills.

    Attributes:
        kills: how many there were.
        in_start: of these, before the run directory was taken.
        in_save: of these, while a saved state was being written.
        resumed: how often a job went on from a saved state.
        lost: most steps that one kill cost.
        ends: jobs that came to their end, each with the right bytes.
        differences: what was not as it must be.
    """

    kills: int = 0
    in_start: int = 0
    in_save: int = 0
    resumed: int = 0
    lost: int = 0
    ends: int = 0
    differences: list[str] = field(default_factory=list)


def kill_again_and_again(job: Job, undisturbed: Ended, kills: int, seed: int) -> Storm:
    """Kill a job at random times until it was killed so often, then let it end.

    Args:
        job: to be killed; begun anew whenever it comes to its end before that.
        undisturbed: what it leaves when nothing kills it.
        kills: how many; together they leave it about as much time as it needs.
        seed: of the times; one kill in ten comes while the job still starts.
    """
    draw, storm, longest = random.Random(seed), Storm(), 2 * undisturbed.seconds / kills
    while storm.kills < kills:
        running, early, saved = job.start(), draw.random() < 0.1, job.saved()
        delay = draw.uniform(0, 2.0 if early else longest)
        while not early and running.poll() is None and not job.is_at_work(running):
            time.sleep(0.001)
        try:
            running.wait(delay)
        except subprocess.TimeoutExpired:
            running.kill()
        if running.wait() == 0:
            _compare(job, undisturbed, storm)
            shutil.rmtree(job.folder)
            continue
        storm.kills += 1
        storm.resumed += saved > 0
        storm.in_start += not job.is_at_work(running)
        storm.in_save += bool(job.files(".*"))
        lost = job.reached(job.folder) - job.saved()
        storm.lost = max(storm.lost, lost)
        if lost > job.interval:
            storm.differences.append(f"kill {storm.kills} cost {lost} steps")
        if job.saved() < saved:
            storm.differences.append(f"kill {storm.kills} went back from step {saved} to {job.saved()}")
        if running.returncode != -9:
            storm.differences.append(f"kill {storm.kills} found the job ended by itself with {running.returncode}")
        for name in job.outputs:
            if (job.folder / name).exists() and (job.folder / name).read_bytes() != undisturbed.outputs[name]:
                storm.differences.append(f"kill {storm.kills} left another {name}")
    job.finish()
    _compare(job, undisturbed, storm)
    return storm


def _compare(job: Job, undisturbed: Ended, storm: Storm) -> None:
    wrong = [name for name, whole in undisturbed.outputs.items() if (job.folder / name).read_bytes() != whole]
    wrong += [path.name for path in job.folder.rglob("*.tmp*")]
    storm.differences += [f"end {storm.ends + 1}: {name}" for name in wrong]
    storm.ends += 1


def pack_noise(folder: Path) -> None:
    """A packed sequence: two tracks of uniform noise."""
    random_steps = np.random.default_rng(0)
    with SequenceWriter(folder, CLASSES, hop=1, sample_rate=1000) as writer:
        for split in ("train", "validation"):
            writer.add(split, split, Labels(), [random_steps.integers(CLASSES, size=4096)])


def training(folder: Path, sequence: Path, steps: int) -> Job:
    """A training that saves a state every few steps, and logs every step."""
    settings = {**SETTINGS, "training": {**SETTINGS["training"], "steps": steps}}

    def reached(where: Path) -> int:
        rows = [row.step for path in where.glob("runs/*/history.csv") for row in read_history(path)]
        return max(rows, default=0)

    arguments = ["descant.commands.train", "--kind", "wavenet", "--settings", json.dumps(settings)]
    arguments += ["--input", f"steps={sequence}", "--model", "model.safetensors", "--metrics", "metrics.csv"]
    # a step is logged before it is saved: it is lost along with those since the last saved state
    return Job([*arguments, "--runs", "runs"], folder, ("model.safetensors", "metrics.csv"), reached, SAVE_EVERY)


def drawing(folder: Path, model: Path, blocks: int) -> Job:
    """A drawing of so many blocks that saves a state after each."""

    def reached(where: Path) -> int:
        return sum(path.stat().st_size // DRAWN for path in where.glob("runs/*/drawn.bin"))

    settings = {"seconds": 1, "count": DRAWN, "engine": "reference"}
    arguments = ["descant.commands.draw", "--settings", json.dumps(settings), "--model", str(model)]
    arguments += ["--steps", str(blocks * BLOCK), "--output", "top.npy", "--save-every", "0"]
    return Job([*arguments, "--runs", "runs"], folder, ("top.npy",), reached, BLOCK)
