"""Trainings begin from the networks of a folder that have their names, and rows say so."""

from pathlib import Path

import pytest

from descant.config.loading import load
from descant.errors import ConfigError
from descant.plan.plan import make_plan
from descant.plan.starts import FINE_TUNED, IN_PART, begin_from, beginning_of

ROOT = Path(__file__).parents[2]
PLAN = make_plan(load(ROOT / "config.yaml", ROOT / "config" / "test" / "tiny.yaml"))


def shipped(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "model.safetensors").touch()
    return folder


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["no_such_network"], ""),
        (["very_large-on-audio"], ""),
        (["vqvae8"], IN_PART),
        (["vqvae8", "codes-on-vqvae8"], FINE_TUNED),
        (["vqvae8", "codes-on-vqvae8", "no_such_network"], FINE_TUNED),
    ],
)
def test_each_begins_from_the_one_of_its_name_and_no_other_changes(tmp_path: Path, names: list[str], said: str) -> None:
    begun = begin_from(PLAN, shipped(tmp_path, *names))
    for name, training in begun.trainings.items():
        assert training.start == (tmp_path / name / "model.safetensors" if name in names else None)
        assert training.begins_trained == (name in names) and (training == PLAN.trainings[name]) == (name not in names)
    assert beginning_of(begun, begun.routes["hop8"]) == said
    assert begin_from(PLAN, None) == PLAN


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "piano").mkdir()
    shipped(tmp_path / "piano", "vqvae8")
    with pytest.raises(ConfigError, match=r"holds no NAME/model\.safetensors"):
        begin_from(PLAN, tmp_path)


def test_what_a_training_names_itself_comes_first(tmp_path: Path) -> None:
    own = begin_from(PLAN, shipped(tmp_path, "vqvae8"))
    (tmp_path / "other").mkdir()
    assert begin_from(own, shipped(tmp_path / "other", "vqvae8")) == own


@pytest.mark.parametrize(
    "name", ["table-from-scratch", "pretrained/piano", "paper", "workstation", "songs", "test/tiny"]
)
def test_these_begin_from_fresh_weights(name: str) -> None:
    assert load(ROOT / "config.yaml", ROOT / "config" / f"{name}.yaml").start_from is None
