"""Every shipped configuration dry-runs; mistakes in one are shown before any job starts."""

import re
from pathlib import Path

import pytest
import yaml
from pipeline import ROOT, SONGS, run

from descant.config.loading import load
from descant.corpus.excerpt import PARTS, RATE, decode_stream, excerpt_file
from descant.plan.plan import make_plan

CONFIGS = sorted([*(ROOT / "config").glob("*.yaml"), *(ROOT / "config").glob("*/*.yaml")])


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_dry_runs(path: Path, tmp_path: Path) -> None:
    shown = run(tmp_path, "--dry-run", "all", over=path)
    drawn = [route for route in make_plan(load(ROOT / "config.yaml", path)).routes.values() if route.draws]
    assert ("write_table" in shown.stdout) == bool(drawn) and "rule train:" in shown.stdout


def test_what_scores_alone_ask_for_is_estimated_without_audio(tmp_path: Path) -> None:
    shown = run(tmp_path, "--cores", "1", "estimate", over=ROOT / "config" / "parts-experiments.yaml").stdout
    assert "large-on-parts" in shown and "audio:" not in shown
    assert not (tmp_path / "results" / "corpus").exists()


@pytest.mark.parametrize("profile", ["slurm", "lsf", "generic"])
def test_a_cluster_s_jobs_get_the_gpus_that_they_ask_for(profile: str, tmp_path: Path) -> None:
    over = tmp_path / "four.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 4, "training": {"accumulate": 4}}))
    shown = run(tmp_path, "--dry-run", "all", "--workflow-profile", str(ROOT / "profiles" / profile), over=over)
    trainings = re.findall(r"rule train:.*?resources: ([^\n]*)", shown.stdout, re.DOTALL)
    assert trainings and all("gpu=4" in resources for resources in trainings)


def test_a_training_on_several_nodes_is_started_by_srun_on_each(tmp_path: Path) -> None:
    over = tmp_path / "nodes.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 4, "nodes_per_job": 2, "training": {"accumulate": 8}}))
    profile = ("--workflow-profile", str(ROOT / "profiles" / "slurm"))
    shown = run(tmp_path, "--dry-run", "--printshellcmds", "all", *profile, over=over).stdout
    jobs = re.findall(r"rule train:.*?resources: ([^\n]*)\nShell command: +([^\n]*?) --kind", shown, re.DOTALL)
    job = jobs[0]
    asked = dict(re.findall(r"(\w+)=(\w+)", job[0]))
    assert [asked[name] for name in ("gpu", "nodes", "tasks", "tasks_per_gpu", "mpi")] == ["8", "2", "2", "0", "srun"]
    assert job[1].startswith("srun --ntasks-per-node=1 --kill-on-bad-exit=1 python -m descant.commands.train")
    assert "--gpus 4 --nodes 2" in shown
    # what draws takes one
    assert not re.findall(r"rule draw:.*?resources: [^\n]*(?:nodes=|gpu=[^1])[^\n]*", shown)


RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
GPU_RULES = {
    name: body
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    for name, body in RULE.findall(path.read_text())
    if re.search(r"^        gpu=", body, re.MULTILINE)
}


@pytest.mark.parametrize(
    ("profile", "names", "word"), [("slurm", "slurm_partition", "gpu"), ("lsf", "lsf_extra", "-gpu num=1")]
)
def test_every_rule_that_asks_for_a_gpu_is_sent_where_gpus_are(profile: str, names: str, word: str) -> None:
    text = (ROOT / "profiles" / profile / "profile.v9+.yaml").read_text()
    sent = yaml.safe_load(text)["set-resources"]
    assert {"train", "draw", "likelihood"} < set(GPU_RULES) == set(sent)
    assert all(word in resources[names] for resources in sent.values())


def test_no_profile_bounds_address_space() -> None:
    """CUDA reserves far more of it than there is memory, and would not start."""
    for profile in (ROOT / "profiles").glob("*/*.yaml"):
        lines = [line for line in profile.read_text().splitlines() if not line.lstrip().startswith("#")]
        assert not re.search(r"h_vmem|s_vmem|ulimit -v", "\n".join(lines)), profile


def test_jobs_on_a_gpu_get_memory_for_cuda_s_libraries(tmp_path: Path) -> None:
    over = tmp_path / "one.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 1}))
    shown = run(tmp_path, "--dry-run", "all", over=over).stdout
    asked = re.findall(r"resources: ([^\n]*gpu=1[^\n]*)", shown)
    assert asked and all(int(re.findall(r"mem_mb=(\d+)", line)[0]) >= 8000 for line in asked)


def test_more_gpus_than_there_are_are_reported(tmp_path: Path) -> None:
    over = tmp_path / "two.yaml"
    over.write_text(yaml.safe_dump({"gpus_per_job": 2, "training": {"accumulate": 2}}))
    shown = run(tmp_path, "--dry-run", "all", over=over, check=False)
    assert shown.returncode != 0
    assert "gpus_per_job is 2, nodes_per_job 1, but all jobs together may use 1 GPUs" in shown.stdout + shown.stderr
    assert run(tmp_path, "--dry-run", "corpus", over=over).returncode == 0, "no training, no GPU"
    shown = run(tmp_path, "--dry-run", "all", "--resources", "gpu=2", over=over)
    assert "gpu=2" in shown.stdout


@pytest.mark.parametrize("path", [ROOT / "config" / "songs.yaml", SONGS], ids=["songs", "test"])
def test_a_file_of_the_excerpt_fills_every_window(path: Path) -> None:
    config = load(ROOT / "config.yaml", path)
    samples = len(decode_stream(excerpt_file(), "mixture")) // PARTS * config.audio.sample_rate // RATE
    plan = make_plan(config)
    needed = [(plan.learnt(training), training.settings.training.window) for training in plan.trained]
    assert not [(sequence.name, window) for sequence, window in needed if window > samples // sequence.hop]


def test_a_table_of_mel2mels_needs_a_row_of_that_kind(tmp_path: Path) -> None:
    shown = run(tmp_path, "--dry-run", "table_mel2mel", over=ROOT / "config" / "mel2mel-ablation.yaml").stdout
    assert re.search(r"^train +10$", shown, re.MULTILINE) and "\nmel2mel " not in shown and "vocoder" not in shown
    shown = run(tmp_path, "--dry-run", "table_mel2mel", check=False)
    assert shown.returncode != 0
    assert "no row is of the kind mel2mel: add --configfile config/mel2mel-ablation.yaml" in shown.stdout + shown.stderr


def test_a_table_of_parts_needs_a_row_of_that_kind(tmp_path: Path) -> None:
    shown = run(tmp_path, "--dry-run", "table_parts", over=ROOT / "config" / "parts-experiments.yaml").stdout
    assert re.search(r"^train +9$", shown, re.MULTILINE) and re.search(r"^parts_row +9$", shown, re.MULTILINE)
    shown = run(tmp_path, "--dry-run", "table_parts", check=False)
    assert shown.returncode != 0
    assert "no row is of the kind parts: add --configfile config/parts-experiments.yaml" in shown.stdout + shown.stderr


def test_a_mistyped_key_is_reported_with_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"training": {"stpes": 3}}))
    shown = run(tmp_path, "--dry-run", over=path, check=False)
    assert shown.returncode != 0
    assert "training.stpes: unknown key; did you mean 'steps'?" in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"corpus": {"source": "folder", "folder": {"path": "not/there"}}}))
    shown = run(tmp_path, "--dry-run", over=path, check=False)
    assert shown.returncode != 0
    assert "corpus.folder.path" in shown.stdout + shown.stderr


def test_parameters_are_printed_without_a_corpus(tmp_path: Path) -> None:
    shown = run(tmp_path, "--cores", "1", "parameters", over=ROOT / "config" / "paper.yaml")
    assert "393,024" in shown.stdout
    assert not (tmp_path / "results" / "corpus").exists()
