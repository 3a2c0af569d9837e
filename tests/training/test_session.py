"""Sessions: the command line's training, killed and gone on with, and what names a run directory."""

import hashlib
import json
import os
import re
import shutil
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
from descant.errors import ModelFileError, TrainingError
from descant.modelfacts import Input
from descant.modelfile import read_model
from descant.runs import checkpoint
from descant.runs.checkpoint import Checkpoint
from descant.runs.interruption import EXIT_INTERRUPTED, Interrupted
from descant.sequences import PackedSequence
from descant.systems.base import STEPS
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.loop import Stretch
from descant.training.session import WITHOUT_EFFECT, Session, build_trainer, train_to_file

COMMAND = "descant.commands.train"


@pytest.fixture(scope="module")
def prior(tiny_shape: Callable[..., WaveNetShape], tiny_training: Callable[..., Training]) -> Prior:
    training = tiny_training(steps=300, log_every=1, validate_every=100, checkpoint_every=1000, average_decay=0.9)
    return Prior(wavenet=tiny_shape(), training=training)


def session_of(prior: Prior, runs: Path, seed: int = 1) -> Session:
    return Session("wavenet", prior, runs, seed, Devices())


@dataclass(frozen=True)
class Place:
    """Where a command works."""

    folder: Path
    sequence: PackedSequence
    sequence_folder: Path

    @property
    def streams(self) -> dict[str, PackedSequence]:
        return {STEPS: self.sequence}

    @property
    def model(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.csv"

    def command(self, settings: str) -> list[str]:
        options = {
            "--kind": "wavenet",
            "--settings": settings,
            "--input": f"steps={self.sequence_folder}",
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
        shown = process.communicate(timeout=100)[1]
    assert process.returncode == EXIT_INTERRUPTED == 75
    assert "run again to go on" in shown and "Traceback" not in shown
    assert not place.model.exists() and not place.metrics.exists()
    (run,) = run_folders(place)
    saved = checkpoint.load_latest(run / "checkpoints")
    assert saved is not None and 0 < saved.step < prior.training.steps

    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert f"going on from step {saved.step}" in done.stderr

    straight = replace(place, folder=place.folder / "straight")
    train_to_file(session_of(prior, straight.folder / "runs"), place.streams, straight.model, straight.metrics)
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
        shown = process.communicate(timeout=100)[1]
    assert time.monotonic() - asked < 10
    assert process.returncode == EXIT_INTERRUPTED
    assert "run again to go on" in shown and "Traceback" not in shown
    saved = checkpoint.load_latest(run_folders(place)[0] / "checkpoints")
    assert saved is not None and 0 < saved.step < prior.training.steps


def test_two_at_once_in_one_run_directory_take_turns(place: Place, prior: Prior) -> None:
    command, shown = place.command(prior.model_dump_json()), place.folder / "shown.txt"
    deadline = time.monotonic() + 100
    with shown.open("w") as file, subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        while not any((folder / "history.csv").exists() for folder in run_folders(place)):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        with subprocess.Popen(command, stderr=file) as second:
            # it stands still until the other has come, however slow that is
            first.send_signal(signal.SIGSTOP)
            try:
                while f"in use by process {first.pid}: waiting" not in shown.read_text():
                    assert second.poll() is None and time.monotonic() < deadline
                    time.sleep(0.005)
            finally:
                first.send_signal(signal.SIGCONT)
    assert first.returncode == second.returncode == 0, shown.read_text()
    assert f"going on from step {prior.training.steps}" in shown.read_text(), "it has nothing left to do"
    straight = replace(place, folder=place.folder / "straight")
    train_to_file(session_of(prior, straight.folder / "runs"), place.streams, straight.model, straight.metrics)
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


def test_a_disk_that_fills_up_is_reported_and_freed_it_goes_on(place: Place, prior: Prior) -> None:
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
    train_to_file(session_of(prior, straight.folder / "runs"), place.streams, straight.model, straight.metrics)
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
            train_to_file(session_of(prior, place.folder / f"runs{number}"), place.streams, model, place.metrics)
            models.append(model.read_bytes())
    finally:
        torch.set_num_threads(1)
    assert models[0] == models[1]


def test_a_mistake_in_the_settings_is_reported_without_a_traceback(place: Place, prior: Prior) -> None:
    settings = prior.model_dump(mode="json")
    settings["training"]["stepz"] = settings["training"].pop("steps")
    done = subprocess.run(place.command(json.dumps(settings)), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "training.stepz" in done.stderr and "training.steps" in done.stderr and "cure:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not place.model.exists()


def test_the_model_file_opens_by_itself_and_shows_where_it_came_from(
    place: Place, tiny_ada: Callable[..., ADA]
) -> None:
    ada = tiny_ada()
    train_to_file(Session("ada", ada, place.folder / "runs", 1, Devices()), place.streams, place.model, place.metrics)
    file = read_model(place.model).facts
    kept = ada.model_dump(mode="json")
    for key in WITHOUT_EFFECT:
        del kept["training"][key]
    # a population is how settings are found, and no setting
    del kept["population"]
    assert file.settings == kept
    # how often it was saved is no part of a model
    restored = ADA.model_validate(file.settings)
    assert restored.model_copy(update={"training": ada.training}) == ada
    assert (file.kind, file.steps, file.start) == ("ada", 12, None)
    assert file.inputs == (Input.of("steps", place.sequence),)
    assert (file.learnt.name, file.learnt.classes, file.learnt.rate) == ("sequence", 16, 1000)
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
        train_to_file(session_of(prior, place.folder / f"runs{number}", seed), place.streams, model, place.metrics)
        assert torch.equal(torch.get_rng_state(), before), "training must leave the global generator alone"
        models.append(model.read_bytes())
    assert models[0] == models[1] != models[2]


def with_training(prior: Prior, **over: Any) -> Prior:
    return prior.model_copy(update={"training": prior.training.model_copy(update=over)})


def test_a_run_is_named_by_what_determines_its_result(
    prior: Prior, tiny_ada: Callable[..., ADA], place: Place, sequence_of: Callable[..., PackedSequence]
) -> None:
    tmp_path, streams = place.folder, place.streams
    own = session_of(prior, tmp_path).run_folder(streams)
    checkpoint.write(tmp_path / "zeros", Checkpoint(100, {"a": torch.zeros(1)}))
    checkpoint.write(tmp_path / "ones", Checkpoint(100, {"a": torch.ones(1)}))
    same = [
        session_of(with_training(prior, checkpoint_every=7), tmp_path),
        session_of(with_training(prior, keep_checkpoints=5), tmp_path),
    ]
    assert {session.run_folder(streams) for session in same} == {own}
    wider = prior.model_copy(update={"wavenet": prior.wavenet.model_copy(update={"skip_channels": 7})})
    other = [
        session_of(with_training(prior, steps=301), tmp_path),
        session_of(with_training(prior, learning_rate=0.02), tmp_path),
        session_of(with_training(prior, keep=(9,)), tmp_path),
        session_of(wider, tmp_path),
        session_of(prior, tmp_path, seed=2),
        Session("ada", tiny_ada(), tmp_path, 1, Devices()),
        replace(session_of(prior, tmp_path), stretch=Stretch(300)),
        replace(session_of(prior, tmp_path), stretch=Stretch(200)),
        replace(session_of(prior, tmp_path), stretch=Stretch(200, tmp_path / "zeros")),
        replace(session_of(prior, tmp_path), stretch=Stretch(200, tmp_path / "ones")),
    ]
    renamed = {STEPS: replace(place.sequence, name="vqvae8")}
    data = {STEPS: sequence_of(tmp_path / "other" / "sequence", {"train": (192,), "validation": (128,)})}
    names = {session_of(prior, tmp_path).run_folder(given) for given in (streams, renamed, data)}
    names |= {one.run_folder(streams) for one in other}
    assert len(names) == 3 + len(other)


def test_a_pause_leaves_the_model_so_far_and_the_same_end(place: Place, prior: Prior) -> None:
    plain, keeping = with_training(prior, steps=40), with_training(prior, steps=40, keep=(10,))
    straight = trained(place, plain, "straight")
    session = session_of(keeping, place.folder / "runs")
    early, late = place.folder / "early.safetensors", place.folder / "late.safetensors"
    train_to_file(replace(session, until=10), place.streams, early, place.folder / "early.csv")
    train_to_file(session, place.streams, late, place.folder / "late.csv")
    assert late.read_bytes() == straight.read_bytes() and len(run_folders(place)) == 1
    assert read_model(early).facts.steps == 10 and read_model(late).facts.steps == 40
    rows = read_history(place.folder / "late.csv")
    assert read_history(place.folder / "early.csv") == [row for row in rows if row.step <= 10]
    # asked for again, it gives what it gave
    again = place.folder / "again.safetensors"
    train_to_file(replace(session, until=10), place.streams, again, place.folder / "again.csv")
    assert again.read_bytes() == early.read_bytes()
    with pytest.raises(TrainingError, match=r"step 11 is not in training\.keep"):
        train_to_file(replace(session, until=11), place.streams, early, place.folder / "early.csv")


def test_streams_that_the_kind_does_not_read_are_refused(place: Place, prior: Prior) -> None:
    for streams in ({}, {"codes": place.sequence}, {**place.streams, "codes": place.sequence}):
        with pytest.raises(TrainingError, match="of kind wavenet reads steps") as refused:
            session_of(prior, place.folder).run_folder(streams)
        assert "--input NAME=FOLDER" in refused.value.cure


def trained(place: Place, prior: Prior, name: str, sequence: PackedSequence | None = None) -> Path:
    """A model file of its own in the place."""
    model = place.folder / name / "model.safetensors"
    streams = {STEPS: sequence or place.sequence}
    train_to_file(session_of(prior, place.folder / name / "runs"), streams, model, model.with_name("metrics.csv"))
    return model


@pytest.fixture
def source(place: Place, prior: Prior) -> Path:
    return trained(place, with_training(prior, steps=60), "source")


def test_fine_tuning_begins_where_the_other_model_ended(place: Place, prior: Prior, source: Path) -> None:
    last = {row.metric: row.value for row in read_history(source.with_name("metrics.csv")) if row.split == "validation"}
    trainer = build_trainer(session_of(with_training(prior, start_from=source), place.folder / "runs"), place.streams)
    assert trainer.validate() == last
    assert last["bits"] < 0.9 * build_trainer(session_of(prior, place.folder), place.streams).validate()["bits"]


def test_fine_tuning_on_other_data_learns_them(
    place: Place, prior: Prior, source: Path, sequence_of: Callable[..., PackedSequence]
) -> None:
    other = sequence_of(place.folder / "others" / "sequence", {"validation": (300,), "train": (500, 90)})
    tuned = with_training(prior, start_from=source, steps=30, learning_rate=0.003)
    before = build_trainer(session_of(tuned, place.folder / "runs"), {STEPS: other}).validate()["bits"]
    model = trained(place, tuned, "tuned", other)
    fresh = trained(place, with_training(tuned, start_from=None), "fresh", other)
    ends = [last_bits(path.with_name("metrics.csv")) for path in (model, fresh)]
    assert ends[0] < before and ends[0] < ends[1]
    assert read_model(model).facts.start == hashlib.sha256(source.read_bytes()).hexdigest()


def last_bits(metrics: Path) -> float:
    rows = read_history(metrics)
    return next(row.value for row in reversed(rows) if (row.split, row.metric) == ("validation", "bits"))


def test_fine_tuning_stopped_and_gone_on_with_ends_the_same(place: Place, prior: Prior, source: Path) -> None:
    tuned = with_training(prior, start_from=source, steps=40)
    straight = trained(place, tuned, "straight")
    trainer = build_trainer(session_of(tuned, place.folder / "stopped" / "runs"), place.streams)
    finish = trainer.system.finish_step

    def stop(*given: Any) -> None:
        finish(*given)
        if trainer.step == 17:
            os.kill(os.getpid(), signal.SIGTERM)

    trainer.system.finish_step = stop  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        trainer.run()
    assert trained(place, tuned, "stopped").read_bytes() == straight.read_bytes()


def test_a_run_is_named_by_what_it_starts_from_and_not_by_where_that_is(
    place: Place, prior: Prior, source: Path
) -> None:
    moved = place.folder / "elsewhere.safetensors"
    shutil.copy(source, moved)
    other = trained(place, with_training(prior, steps=61), "other")
    sessions = [session_of(with_training(prior, start_from=path), place.folder) for path in (source, moved, other)]
    one, same, another = (session.run_folder(place.streams) for session in sessions)
    fresh = session_of(prior, place.folder).run_folder(place.streams)
    assert one == same and len({one, another, fresh}) == 3
    files = [trained(place, with_training(prior, start_from=path, steps=2), path.stem) for path in (source, moved)]
    assert files[0].read_bytes() == files[1].read_bytes(), "a path is no part of a model file"


def test_weights_that_do_not_fit_are_named_with_both_shapes(
    place: Place, prior: Prior, source: Path, sequence_of: Callable[..., PackedSequence]
) -> None:
    wider = prior.model_copy(update={"wavenet": prior.wavenet.model_copy(update={"skip_channels": 7})})
    with pytest.raises(TrainingError, match=r"training\.start_from") as refused:
        trained(place, with_training(wider, start_from=source), "wider")
    assert "wavenet.head.weight is (6, 6) but the settings make it (7, 7)" in refused.value.problem
    more = sequence_of(place.folder / "more" / "sequence", {"train": (192,), "validation": (128,)}, classes=17)
    with pytest.raises(TrainingError, match=r"wavenet\.logits\.bias is \(16,\) but the settings make it \(17,\)"):
        trained(place, with_training(prior, start_from=source), "more", more)


def test_what_is_no_model_file_is_refused_before_anything_is_trained(place: Place, prior: Prior) -> None:
    missing, text = place.folder / "missing.safetensors", place.folder / "text.safetensors"
    text.write_text("not a model")
    for path in (missing, text):
        with pytest.raises((TrainingError, ModelFileError), match=f"{path.name} cannot be read"):
            trained(place, with_training(prior, start_from=path), "tuned")
