"""Rows that are not run leave nothing behind, and what is left is the configuration without them."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from raw import complaint, raw_config

from descant.config.loading import load, parse


def without(*names: str) -> dict[str, Any]:
    raw = raw_config()
    for name in names:
        del raw["models"][name]
    return raw


def test_a_row_is_removed_by_null_in_a_file_laid_over(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(raw_config()))
    (tmp_path / "over.yaml").write_text("models: {two: null, turned:}\n")
    config = load(tmp_path / "base.yaml", tmp_path / "over.yaml")
    assert set(config.models) == {"plain", "one"}
    assert set(config.adas) == {"vq8", "smooth"}, "a continuous ADA can still be asked for"


def test_rows_are_chosen_by_name_in_the_order_of_the_table() -> None:
    config = parse(raw_config(rows=["two", "plain"]))
    assert list(config.models) == ["plain", "two"]
    assert list(config.adas) == ["vq8", "amae8", "smooth"]


def test_all_rows_are_all_rows() -> None:
    whole = parse(raw_config())
    assert parse(raw_config(rows=list(whole.models))) == parse(raw_config(rows=None)) == whole


def test_a_mel2mel_stays_with_the_row_that_names_it() -> None:
    raw = raw_config(mel2mels={"small": {"width": 8}, "large": {"width": 16}})
    for name in ("small", "large"):
        raw["models"][name] = {"kind": "mel2mel", "title": name, "mel2mel": name}
    config = parse({**raw, "rows": ["small"]})
    assert list(config.models) == list(config.mel2mels) == ["small"] and not config.priors
    assert not parse({**raw, "rows": ["plain"]}).mel2mels


def test_levels_and_transformers_stay_with_the_row_that_names_them() -> None:
    raw = raw_config()
    raw["models"] |= {
        "codec": {"kind": "jukebox", "title": "codec", "levels": ["codec"]},
        "both": {"kind": "jukebox", "title": "both", "levels": ["fine", "coarse"], "prior": "small"},
    }
    config = parse({**raw, "rows": ["codec"]})
    assert list(config.vqvaes) == ["codec"] and not config.transformers
    config = parse({**raw, "rows": ["both"]})
    assert list(config.vqvaes) == ["fine", "coarse"] and list(config.transformers) == ["small"]
    assert not parse({**raw, "rows": ["plain"]}).vqvaes


def test_a_model_of_parts_stays_with_the_row_that_names_it() -> None:
    networks = {"small": {"kind": "autoregressive_parts"}, "large": {"kind": "rmvae"}}
    raw = raw_config(part_models=networks)
    for name in networks:
        raw["models"][name] = {"kind": "parts", "title": name, "part_model": name}
    config = parse({**raw, "rows": ["small"]})
    assert list(config.models) == list(config.part_models) == ["small"]
    assert not parse({**raw, "rows": ["plain"]}).part_models


def test_both_ways_leave_the_same() -> None:
    raw = raw_config()
    raw["models"] |= {"two": None, "turned": None}
    assert parse(raw) == parse(raw_config(rows=["one", "plain"]))


def test_what_only_rows_that_are_not_run_need_is_not_checked() -> None:
    raw = raw_config(rows=["plain", "one"], gpus_per_job=2)
    raw["training"]["learning_rate"] = 0.5
    # out of its population's bounds, a mistyped key, and batches that two GPUs cannot share
    raw["adas"]["amae8"] |= {
        "population": {
            "members": 2,
            "generations": 2,
            "tuned": {"training.learning_rate": {"least": 0.1, "most": 0.2}},
        },
        "hopp": 3,
    }
    del raw["adas"]["smooth"]
    for name in ("vq8", "amae8"):
        raw["adas"][name]["training"] = {"accumulate": 2 if name == "vq8" else 1}
    raw["priors"] = {name: {**prior, "training": {"accumulate": 2}} for name, prior in raw["priors"].items()}
    assert list(parse(raw).adas) == ["vq8"]
    assert "hopp" in complaint({**copy.deepcopy(raw), "rows": None})


def test_an_ada_that_no_row_names_is_checked_while_all_rows_are_run() -> None:
    raw = without("two", "turned")
    raw["adas"]["amae8"]["hop"] = 3
    assert "adas.amae8: hop is 3" in complaint(raw)


def test_people_listen_to_the_rows_that_are_run() -> None:
    config = parse(raw_config(rows=["one"], listening={"models": ["plain", "one"]}))
    assert config.listening.models == ("one",)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"rows": ["tow"]}, "rows names 'tow', which is not in models; did you mean 'two'?"),
        ({"rows": []}, "rows is empty"),
        ({"rows": "one"}, "rows is no list of names (it is 'one')"),
        ({"rows": [["one"]]}, "rows is no list of names"),
        ({"rows": ["one"], "listening": {"models": ["two"]}}, "listening.models names 'two', and none of them is run"),
        ({"rows": ["one"], "listening": {"models": ["oen", "one"]}}, "listening.models names 'oen'"),
        ({"models": {"one": None}}, "models is empty"),
        ({"models": {"one": {"kind": "stak", "title": "x", "prior": "flat"}}}, "models.one.kind"),
        ({"row": ["one"]}, "row: unknown key; did you mean 'rows'?"),
    ],
)
def test_a_mistake_is_named(over: dict[str, Any], words: str) -> None:
    assert words in complaint(raw_config(**over))
