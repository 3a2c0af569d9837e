"""The population as jobs: the files it leaves, nothing done twice, and what a changed bound reruns."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pipeline import ROOT, TINY, command, environment, planned, run

from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.modelfile import read_model

pytestmark = pytest.mark.slow

STACK = "vqvae8.vqvae8_pbt"
MODEL = f"results/training/{STACK}/model.safetensors"
POPULATION = f"results/population/{STACK}"
RATE = "training.learning_rate"


def over(folder: Path, population: dict[str, object], training: dict[str, object] | None = None) -> Path:
    """The tiny configuration with another population."""
    path = folder / "over.yaml"
    change = {"adas": {"vqvae8_pbt": {"population": population, "training": training or {}}}}
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    return path


def test_every_decision_and_score_is_there_and_the_fittest_is_the_model(finished: Path) -> None:
    population = load(ROOT / "config.yaml", TINY).adas["vqvae8_pbt"].population
    assert population is not None
    folder = finished / POPULATION
    for generation in range(population.generations):
        table = pd.read_csv(folder / f"generation{generation}/decisions.csv")
        assert list(table["member"]) == list(range(population.members))
        assert set(table["action"]) <= ({"kept", "exploited"} if generation else {"founded"})
        assert table["parent"].isna().all() == (generation == 0)
        for name, bounds in population.tuned.items():
            assert table[f"{name}.after"].between(bounds.least, bounds.most).all()
    last = [json.loads(path.read_text()) for path in folder.glob(f"generation{generation}/member*/score.json")]
    best = max(last, key=lambda score: score["fitness"])
    chosen = json.loads((folder / "chosen.json").read_text())
    assert chosen == best
    model = read_model(finished / MODEL).facts
    assert model.steps == best["step"] == 6
    own = table[table["member"] == best["member"]]
    assert model.settings["training"]["learning_rate"] == own[f"{RATE}.after"].item()
    metrics = pd.read_csv((finished / MODEL).with_name("metrics.csv"))
    assert metrics["step"].is_monotonic_increasing and set(metrics["step"]) == {2, 3, 4, 6}
    end = metrics[(metrics["step"] == 6) & (metrics["split"] == "validation") & (metrics["metric"] == "bits")]
    assert end["value"].item() == best["bits"]


def test_each_state_takes_its_room_once(finished: Path) -> None:
    states = list((finished / POPULATION).glob("*/*/state.safetensors"))
    kept = list((finished / "results/runs/population").rglob("step-*.safetensors"))
    assert len(states) == len(kept) == 4
    assert {path.stat().st_ino for path in states} == {path.stat().st_ino for path in kept}


def test_a_changed_bound_reruns_the_population_and_what_stands_on_it_alone(finished: Path, tmp_path: Path) -> None:
    change = over(tmp_path, {"tuned": {RATE: {"most": 0.03}}})
    jobs = planned(finished, "all", over=change)
    trained = {job for job in jobs if job.startswith(("train", "decide_", "choose_"))}
    members = {f"train_member training={STACK}, generation={g}, member={m}" for g in range(2) for m in range(2)}
    decided = {f"decide_generation training={STACK}, generation={g}" for g in range(2)}
    assert trained == members | decided | {f"choose_member training={STACK}", f"train training=codes-on-{STACK}"}
    assert {job for job in jobs if job.startswith("encode ")} == {f"encode sequence={STACK}"}


def test_without_its_population_the_stack_is_trained_once(finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "over.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"adas": {"vqvae8_pbt": {"population": None}}})))
    jobs = planned(finished, MODEL, "--forcerun", "train", over=path)
    assert f"train training={STACK}" in jobs and not any(job.startswith("train_member") for job in jobs)


def test_killed_and_run_again_it_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    change = over(tmp_path, {}, {"steps": 80, "checkpoint_every": 7})
    ends = []
    for name in ("undisturbed", "killed"):
        folder = tmp_path / name
        shutil.copytree(finished, folder, symlinks=True)
        if name == "killed":
            runs = folder / "results/runs/population" / STACK / "generation1"
            before = set(runs.rglob("step-*"))
            process = subprocess.Popen(
                command(folder, "--cores", "1", MODEL, over=change),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                start_new_session=True,
            )
            deadline = time.monotonic() + 300
            while process.poll() is None and time.monotonic() < deadline and not set(runs.rglob("step-*")) - before:
                time.sleep(0.05)
            assert process.poll() is None, "the run ended before it could be killed"
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=120)
            run(folder, "--unlock", over=change)
        run(folder, "--cores", "1", MODEL, over=change)
        ends.append([(folder / MODEL).read_bytes(), (folder / MODEL).with_name("metrics.csv").read_bytes()])
        assert "Nothing to be done" in run(folder, "--cores", "1", MODEL, over=change).stderr
    assert ends[0] == ends[1]
