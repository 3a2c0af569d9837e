"""A training killed in its middle ends, after a plain rerun, with the bytes of an undisturbed one."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from pipeline import TINY, command, environment, heed_ctrl_c, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

pytestmark = pytest.mark.slow

MODEL = "results/training/vqvae8/model.safetensors"
LONGER = {"adas": {"vqvae8": {"training": {"steps": 120, "checkpoint_every": 7}}}}


@pytest.fixture(scope="module")
def longer(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A longer training's configuration, and its undisturbed weights."""
    folder = tmp_path_factory.mktemp("undisturbed")
    over = folder / "over.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), LONGER)))
    shutil.copytree(finished, folder / "run", symlinks=True)
    run(folder / "run", "--cores", "1", MODEL, over=over)
    return over, (folder / "run" / MODEL).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_killed_and_run_again(
    finished: Path, longer: tuple[Path, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    over, undisturbed = longer
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    runs = folder / "results/runs/training/vqvae8"
    before = set(runs.iterdir())
    process = subprocess.Popen(
        command(folder, "--cores", "1", MODEL, over=over),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        new = set(runs.iterdir()) - before
        if new and len(list(next(iter(new)).glob("checkpoints/step-0000000[2-9]*.safetensors"))):
            break
        time.sleep(0.05)
    assert process.poll() is None, "the run ended before it could be killed"
    os.killpg(process.pid, number)
    process.wait(timeout=120)
    assert not (folder / MODEL).exists() or (folder / MODEL).read_bytes() != undisturbed
    run(folder, "--unlock", over=over)
    run(folder, "--cores", "1", MODEL, over=over)
    assert (folder / MODEL).read_bytes() == undisturbed


def test_a_workflow_asked_to_end_while_it_chooses_jobs_ends(tmp_path: Path) -> None:
    # Snakemake holds a lock while the solver runs, and its own handler of SIGTERM, in the same thread, takes that lock
    solver = tmp_path / "bin" / "cbc"
    solver.parent.mkdir()
    solver.write_text(f"#!/bin/sh\ntouch '{tmp_path}/solving'\nsleep 2\nexit 1\n", encoding="utf-8")
    solver.chmod(0o755)
    chosen = ["--scheduler", "ilp", "--scheduler-ilp-solver", "COIN_CMD"]
    process = subprocess.Popen(
        command(tmp_path, "--cores", "1", *chosen, "corpus"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PATH": os.pathsep.join([str(solver.parent), os.environ["PATH"]])},
    )
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "solving").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        shown = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert (tmp_path / "solving").exists() and "Will exit after finishing currently running jobs" in shown
    assert not (tmp_path / "results/sequences").exists()


def test_a_training_whose_workflow_was_killed_stops_by_itself(
    finished: Path, longer: tuple[Path, bytes], tmp_path: Path
) -> None:
    over, undisturbed = longer
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "results/logs/train/vqvae8.log").unlink()
    process = subprocess.Popen(
        command(folder, "--cores", "1", MODEL, over=over),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    log = folder / "results/logs/train/vqvae8.log"
    deadline = time.monotonic() + 120
    while "step 3 of 120" not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.05)
    # only the workflow: the training goes on as an orphan until it looks, and the rerun waits for it
    process.kill()
    process.wait()
    run(folder, "--unlock", over=over)
    run(folder, "--cores", "1", MODEL, over=over)
    # had the orphan gone on to the end, nothing would be left to do from
    found = re.search(r"going on from step (\d+)", log.read_text())
    assert found and 3 <= int(found[1]) < 120
    assert (folder / MODEL).read_bytes() == undisturbed


@pytest.mark.parametrize("torn", ["results/training/vqvae8/model.safetensors", "results/sequences/audio/data.npy"])
def test_a_partial_file_that_was_kept_is_refused_by_what_reads_it(finished: Path, tmp_path: Path, torn: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    # as --keep-incomplete and a workflow that knows nothing of it would leave it: short, and not out of date
    path, read = folder / torn, "results/likelihood/vqvae8.parquet"
    before = path.stat()
    os.truncate(path, before.st_size * 2 // 3)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / read).unlink()
    shown = run(folder, read, "--cores", "1", "--keep-incomplete", "--rerun-triggers", "mtime", check=False)
    assert shown.returncode and not (folder / read).exists()
    log = (folder / "results/logs/likelihood/vqvae8.log").read_text()
    assert "error:" in log and "run snakemake again" in log and "Traceback" not in log
