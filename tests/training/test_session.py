"""Sessions: the command line's training, killed and gone on with, and what names a run directory."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from descant.config.networks import ADA, Prior, WaveNetShape
from descant.config.training import Training
from descant.modelfile import read_model
from descant.runs import checkpoint
from descant.runs.checkpoint import Checkpoint
from descant.runs.interruption import EXIT_INTERRUPTED
from descant.sequences import PackedSequence
from descant.systems.ada import ADASystem
from descant.systems.wavenet import WaveNetSystem
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.loop import Stretch
from descant.training.session import WITHOUT_EFFECT, Session, train_to_file

COMMAND = "descant.commands.train_prior"


@pytest.fixture(scope="module")
def prior(tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]) -> Prior:
    training = tiny_training(steps=300, log_every=1, validate_every=100, checkpoint_every=1000, average_decay=0.9)
    return Prior(wavenet=tiny_shape(), training=training)


def session_of(prior: Prior, runs: Path, seed: int = 1) -> Session:
    return Session(
        kind="wavenet",
        settings=prior.model_dump(mode="json"),
        build=lambda classes: WaveNetSystem(prior.wavenet, classes),
        training=prior.training,
        sequence_name="audio",
        runs=runs,
        seed=seed,
        devices=Devices(),
    )


@dataclass(frozen=True)
class Place:
    """Where a command works."""

    folder: Path
    sequence: PackedSequence
    sequence_folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.csv"

    def command(self, settings: str) -> list[str]:
        options = {
            "--settings": settings,
            "--sequence": self.sequence_folder,
            "--sequence-name": "audio",
            "--model": self.model,
            "--metrics": self.metrics,
            "--runs": self.folder / "runs",
            "--threads": 1,
        }
        return [sys.executable, "-m", COMMAND, *(str(part) for option in options.items() for part in option)]


@pytest.fixture
def place(tmp_path: Path, sequence_of: Callable[..., PackedSequence]) -> Place:
    folder = tmp_path / "sequence"
    return Place(tmp_path, sequence_of(folder, {"train": (192, 96), "validation": (128,)}), folder)


def run_folders(place: Place) -> list[Path]:
    return list((place.folder / "runs").glob("*"))


def test_the_command_stops_when_asked_and_goes_on_to_the_same_bytes(place: Place, prior: Prior) -> None:
    command = place.command(prior.model_dump_json())
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 100
        while not any(
            (folder / "history.csv").exists() and read_history(folder / "history.csv") for folder in run_folders(place)
        ):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        process.terminate()
        told = process.communicate(timeout=100)[1]
    assert process.returncode == EXIT_INTERRUPTED == 75
    assert "run again to go on" in told and "Traceback" not in told
    assert not place.model.exists() and not place.metrics.exists()
    (run,) = run_folders(place)
    saved = checkpoint.load_latest(run / "checkpoints")
    assert saved is not None and 0 < saved.step < prior.training.steps

    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert f"going on from step {saved.step}" in done.stderr

    straight = replace(place, folder=place.folder / "straight")
    train_to_file(session_of(prior, straight.folder / "runs"), place.sequence, straight.model, straight.metrics)
    assert place.model.read_bytes() == straight.model.read_bytes()
    assert place.metrics.read_bytes() == straight.metrics.read_bytes()
    assert [folder.name for folder in run_folders(straight)] == [run.name]


def test_ctrl_c_stops_it_too_and_soon(place: Place, prior: Prior) -> None:
    with subprocess.Popen(place.command(prior.model_dump_json()), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 100
        while not any((folder / "history.csv").exists() for folder in run_folders(place)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        told = process.communicate(timeout=100)[1]
    assert time.monotonic() - asked < 10
    assert process.returncode == EXIT_INTERRUPTED
    assert "run again to go on" in told and "Traceback" not in told
    saved = checkpoint.load_latest(run_folders(place)[0] / "checkpoints")
    assert saved is not None and 0 < saved.step < prior.training.steps


def test_two_at_once_in_one_run_directory_take_turns(place: Place, prior: Prior) -> None:
    command, told = place.command(prior.model_dump_json()), place.folder / "told.txt"
    deadline = time.monotonic() + 100
    with told.open("w") as file, subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        while not any((folder / "history.csv").exists() for folder in run_folders(place)):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        with subprocess.Popen(command, stderr=file) as second:
            # it stands still until the other has come, however slow that is
            first.send_signal(signal.SIGSTOP)
            try:
                while f"in use by process {first.pid}: waiting" not in told.read_text():
                    assert second.poll() is None and time.monotonic() < deadline
                    time.sleep(0.005)
            finally:
                first.send_signal(signal.SIGCONT)
    assert first.returncode == second.returncode == 0, told.read_text()
    assert f"going on from step {prior.training.steps}" in told.read_text(), "it has nothing left to do"
    straight = replace(place, folder=place.folder / "straight")
    train_to_file(session_of(prior, straight.folder / "runs"), place.sequence, straight.model, straight.metrics)
    assert place.model.read_bytes() == straight.model.read_bytes()
    assert place.metrics.read_bytes() == straight.metrics.read_bytes()


# a disk of its own, full in the middle: what the first training says, what it leaves, and the second one
FILL = """
mount -t tmpfs -o size="$1" none runs || exit 9
shift
"$@" 2> first.txt &
while kill -0 $! && ! ls runs/*/checkpoints/step-*; do sleep 0.01; done
cat /dev/zero > runs/filler
wait $!
echo "exit $?" >> first.txt
find runs -path '*checkpoints/*' > left.txt
rm runs/filler
exec "$@"
"""


def test_a_disk_that_fills_up_is_told_and_freed_it_goes_on(place: Place, prior: Prior) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount of one's own: unshare -rm does not work here")
    (place.folder / "runs").mkdir()
    often = with_training(prior, checkpoint_every=5)
    inside = ["unshare", "-rm", "sh", "-c", FILL, "sh", "2m", *place.command(often.model_dump_json())]
    done = subprocess.run(inside, cwd=place.folder, capture_output=True, text=True, timeout=100, check=False)
    first = (place.folder / "first.txt").read_text()
    assert "exit 1" in first and "Traceback" not in first
    assert re.search(r"error: .*No space left on device", first) and "cure: free disk space" in first
    left = (place.folder / "left.txt").read_text().split()
    assert left and all(checkpoint.NAME.fullmatch(Path(path).name) for path in left)
    assert done.returncode == 0 and "going on from step" in done.stderr, done.stderr
    straight = replace(place, folder=place.folder / "straight")
    train_to_file(session_of(prior, straight.folder / "runs"), place.sequence, straight.model, straight.metrics)
    assert place.model.read_bytes() == straight.model.read_bytes()
    assert place.metrics.read_bytes() == straight.metrics.read_bytes()


def test_several_threads_give_the_same_bytes_twice(
    place: Place, tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> None:
    # large enough for torch to share the work out
    shape = tiny_shape(residual_channels=64, gate_channels=128, skip_channels=64)
    prior = Prior(wavenet=shape, training=tiny_training(steps=3, batch=16, window=96))
    torch.set_num_threads(2)
    try:
        models = []
        for number in range(2):
            model = place.folder / f"{number}.safetensors"
            train_to_file(session_of(prior, place.folder / f"runs{number}"), place.sequence, model, place.metrics)
            models.append(model.read_bytes())
    finally:
        torch.set_num_threads(1)
    assert models[0] == models[1]


def test_a_mistake_in_the_settings_is_told_without_a_traceback(place: Place, prior: Prior) -> None:
    settings = prior.model_dump(mode="json")
    settings["training"]["stepz"] = settings["training"].pop("steps")
    done = subprocess.run(place.command(json.dumps(settings)), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "training.stepz" in done.stderr and "training.steps" in done.stderr and "cure:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not place.model.exists()


def test_the_model_file_opens_by_itself_and_tells_where_it_came_from(
    place: Place, tiny_ada: Callable[..., ADA]
) -> None:
    ada = tiny_ada()
    session = Session(
        kind="ada",
        settings=ada.model_dump(mode="json"),
        build=lambda classes: ADASystem(ada, classes),
        training=ada.training,
        sequence_name="audio",
        runs=place.folder / "runs",
        seed=1,
        devices=Devices(),
    )
    train_to_file(session, place.sequence, place.model, place.metrics)
    file = read_model(place.model)
    kept = ada.model_dump(mode="json")
    for key in WITHOUT_EFFECT:
        del kept["training"][key]
    # a population is how settings are found, and no setting
    del kept["population"]
    assert file.settings == kept
    # how often it was saved is no part of a model
    restored = ADA.model_validate(file.settings)
    assert restored.model_copy(update={"training": ada.training}) == ada
    assert (file.kind, file.classes, file.sequence, file.steps) == ("ada", 16, "audio", 12)
    assert file.data_fingerprint == place.sequence.fingerprint
    figures = {(row.split, row.metric) for row in read_history(place.metrics)}
    assert {("validation", "gap"), ("validation", "bits"), ("train", "commitment"), ("train", "loss")} <= figures


def test_weights_depend_on_the_seed_and_not_on_what_was_drawn_before(
    place: Place, tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]
) -> None:
    prior = Prior(wavenet=tiny_shape(), training=tiny_training(steps=1))
    models = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        before = torch.get_rng_state()
        model = place.folder / f"{number}.safetensors"
        train_to_file(session_of(prior, place.folder / f"runs{number}", seed), place.sequence, model, place.metrics)
        assert torch.equal(torch.get_rng_state(), before), "training must leave the global generator alone"
        models.append(model.read_bytes())
    assert models[0] == models[1] != models[2]


def with_training(prior: Prior, **over: Any) -> Prior:
    return prior.model_copy(update={"training": prior.training.model_copy(update=over)})


def test_a_run_is_named_by_what_determines_its_result(prior: Prior, tmp_path: Path) -> None:
    own = session_of(prior, tmp_path).run_folder("data")
    checkpoint.write(tmp_path / "zeros", Checkpoint(100, {"a": torch.zeros(1)}))
    checkpoint.write(tmp_path / "ones", Checkpoint(100, {"a": torch.ones(1)}))
    same = [
        session_of(with_training(prior, checkpoint_every=7), tmp_path),
        session_of(with_training(prior, keep_checkpoints=5), tmp_path),
    ]
    assert {session.run_folder("data") for session in same} == {own}
    wider = prior.model_copy(update={"wavenet": prior.wavenet.model_copy(update={"skip_channels": 7})})
    other = [
        session_of(with_training(prior, steps=301), tmp_path),
        session_of(with_training(prior, learning_rate=0.02), tmp_path),
        session_of(wider, tmp_path),
        session_of(prior, tmp_path, seed=2),
        replace(session_of(prior, tmp_path), sequence_name="vqvae8"),
        replace(session_of(prior, tmp_path), kind="ada"),
        replace(session_of(prior, tmp_path), stretch=Stretch(300)),
        replace(session_of(prior, tmp_path), stretch=Stretch(200)),
        replace(session_of(prior, tmp_path), stretch=Stretch(200, tmp_path / "zeros")),
        replace(session_of(prior, tmp_path), stretch=Stretch(200, tmp_path / "ones")),
    ]
    names = {own, session_of(prior, tmp_path).run_folder("other data"), *(one.run_folder("data") for one in other)}
    assert len(names) == 2 + len(other)
