"""Every shipped configuration dry-runs; mistakes in one are told before any job starts."""

import re
from pathlib import Path

import pytest
import yaml
from pipeline import ROOT, SONGS, run

from descant.config.root import AUDIO, load
from descant.corpus.excerpt import PARTS, RATE, decode_stream, excerpt_file

CONFIGS = sorted([*(ROOT / "config").glob("*.yaml"), *(ROOT / "config" / "test").glob("*.yaml")])


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_dry_runs(path: Path, tmp_path: Path) -> None:
    told = run(tmp_path, "--dry-run", "all", over=path)
    assert "write_table" in told.stdout


@pytest.mark.parametrize("profile", ["slurm", "lsf", "generic"])
def test_a_cluster_s_jobs_get_the_gpus_that_they_ask_for(profile: str, tmp_path: Path) -> None:
    over = tmp_path / "four.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 4, "training": {"accumulate": 4}}))
    told = run(tmp_path, "--dry-run", "all", "--workflow-profile", str(ROOT / "profiles" / profile), over=over)
    trainings = re.findall(r"rule train_ada:.*?resources: ([^\n]*)", told.stdout, re.DOTALL)
    assert trainings and all("gpu=4" in resources for resources in trainings)


def test_more_gpus_than_there_are_are_told(tmp_path: Path) -> None:
    over = tmp_path / "two.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 2, "training": {"accumulate": 2}}))
    told = run(tmp_path, "--dry-run", "all", over=over, check=False)
    assert told.returncode != 0
    assert "gpus_per_job is 2, but all jobs together may use 1" in told.stdout + told.stderr
    assert run(tmp_path, "--dry-run", "corpus", over=over).returncode == 0, "no training, no GPU"
    told = run(tmp_path, "--dry-run", "all", "--resources", "gpu=2", over=over)
    assert "gpu=2" in told.stdout


def test_the_paper_has_the_paper_s_receptive_fields() -> None:
    config = load(ROOT / "config.yaml", ROOT / "config" / "paper.yaml")
    fields = [config.receptive_field(model) for model in config.models]
    assert fields == [6141, 12279, 49149, 49128, 393024, 393024, 393024]
    printed = [model.paper.receptive_field_ms for model in config.models.values() if model.paper]
    assert printed == [384, 768, 3072, 3072, 24576, 24576, 24576]
    for samples, ms in zip(fields, printed, strict=True):
        # the paper rounds 6,141 up to 6,144 and multiplies
        assert samples == pytest.approx(ms * 16, rel=1e-3)


def test_the_demo_keeps_the_paper_s_proportions() -> None:
    config = load(ROOT / "config.yaml")
    fields = [config.receptive_field(model) for model in config.models]
    assert [round(field / fields[0]) for field in fields] == [1, 2, 8, 8, 64, 64, 64]


@pytest.mark.parametrize("path", [ROOT / "config" / "songs.yaml", SONGS], ids=["songs", "test"])
def test_a_file_of_the_excerpt_fills_every_window(path: Path) -> None:
    config = load(ROOT / "config.yaml", path)
    samples = len(decode_stream(excerpt_file(), "mixture")) // PARTS * config.audio.sample_rate // RATE
    windows = {(stack.rpartition(".")[0] or AUDIO, config.ada(stack).training.window) for stack in config.stacks}
    windows |= {(config.top(name), config.priors[model.prior].training.window) for name, model in config.models.items()}
    assert not [(sequence, window) for sequence, window in windows if window > samples // config.hop(sequence)]


def test_a_mistyped_key_is_told_with_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"training": {"stpes": 3}}))
    told = run(tmp_path, "--dry-run", over=path, check=False)
    assert told.returncode != 0
    assert "training.stpes: unknown key; did you mean 'steps'?" in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"corpus": {"source": "folder", "folder": {"path": "not/there"}}}))
    told = run(tmp_path, "--dry-run", over=path, check=False)
    assert told.returncode != 0
    assert "corpus.folder.path" in told.stdout + told.stderr


def test_parameters_are_printed_without_a_corpus(tmp_path: Path) -> None:
    told = run(tmp_path, "--cores", "1", "parameters", over=ROOT / "config" / "paper.yaml")
    assert "393,024" in told.stdout
    assert not (tmp_path / "results" / "corpus").exists()
