"""Stimuli and lists in the pipeline: made on request, and made anew by what defines the test and nothing else."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml
from pipeline import ROOT, TINY, planned, run

from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.listening.files import MosPage, read_design, read_manifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planned_test(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "run"
    shutil.copytree(finished, folder, symlinks=True)
    shown = run(folder, "--cores", "1", "listening")
    assert "8 systems and real music, 2 items of 0.11" in shown.stdout
    assert "Recommended at least: 20 raters, 20 items" in shown.stdout
    return folder


def test_the_files_agree(planned_test: Path) -> None:
    results = planned_test / "results/listening"
    manifest, design = read_manifest(results / "manifest.json"), read_design(results / "design.json")
    assert manifest.design == design.design
    config = load(ROOT / "config.yaml", TINY)
    assert {stimulus.system for stimulus in manifest.of_kind("system")} == set(config.models)
    assert len(manifest.of_kind("system")) == len(config.models) * config.sampling.count
    for stimulus in manifest.stimuli:
        assert hashlib.sha256((results / "stimuli" / stimulus.file).read_bytes()).hexdigest() == stimulus.sha256
    assert len(list((results / "stimuli").glob("*.flac"))) == len(manifest.stimuli)
    assert len(design.lists) == config.listening.raters
    names = manifest.by_name()
    assert all(isinstance(page, MosPage) and page.stimulus in names for taken in design.lists for page in taken.pages)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, set()),
        ({"port": 8081, "folder": "elsewhere"}, set()),
        ({"assumed": {"rater": 0.7}}, {"listening_design"}),
        ({"raters": 21}, {"stimuli", "listening_design"}),
        ({"lufs": -20}, {"stimuli", "listening_design"}),
        ({"models": ["hop8", "hop64"]}, {"stimuli", "listening_design"}),
    ],
)
def test_a_changed_key_makes_anew_what_it_changes(
    planned_test: Path, tmp_path: Path, change: dict[str, object], expected: set[str]
) -> None:
    over = tmp_path / "own.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"listening": change})))
    assert planned(planned_test, "listening", over=over) - {"listening"} == expected
