"""Paths are found from wherever the workflow is run, or the places that were looked in are named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline import TINY, run

from descant.config.loading import merge
from descant.config.paths import locate_paths
from descant.config.reading import read_yaml
from descant.errors import ConfigError


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a home, files of the configuration and a run, in which it works."""
    for name in ("home/music", "files", "run", "started"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "run")
    yield tmp_path


def located(places: Path, path: str, in_file: bool = True) -> str:
    raw: dict[str, Any] = {"corpus": {"source": "folder", "folder": {"path": path}}}
    files = [(places / "files/own.yaml", raw)] if in_file else []
    found = locate_paths(raw, files, places / "started")["corpus"]["folder"]["path"]
    assert raw["corpus"]["folder"]["path"] == path, "what was given is not changed"
    assert isinstance(found, str)
    return found


def test_a_home_is_found(places: Path) -> None:
    assert located(places, "~/music") == str(places / "home/music")


@pytest.mark.parametrize("path", ["music", "./music", "music/", "../files/music//", "x/../music"])
def test_a_relative_path_begins_at_the_file_that_names_it(places: Path, path: str) -> None:
    (places / "files/music").mkdir()
    (places / "run/music").mkdir()
    assert located(places, path) == str(places / "files/music")


def test_else_at_the_working_directory_and_stays_as_short(places: Path) -> None:
    (places / "run/music").mkdir()
    assert located(places, "music/") == "music"
    assert located(places, str(places / "run/music")) == "music"


def test_one_of_the_command_line_begins_where_it_was_given(places: Path) -> None:
    (places / "started/music").mkdir()
    (places / "files/music").mkdir()
    assert located(places, "music", in_file=False) == str(places / "started/music")


@pytest.mark.parametrize("key", ["play.score", "find_timbre.recording", "find_timbre.score"])
def test_what_is_played_or_heard_begins_where_it_was_given_or_is_missed_by_name(places: Path, key: str) -> None:
    section, name = key.split(".")
    with pytest.raises(ConfigError, match=f"{key}: there is no my file"):
        locate_paths({section: {name: "my file"}}, [], places / "started")
    (places / "started/my file").touch()
    found = locate_paths({section: {name: "my file"}}, [], places / "started")
    assert found[section][name] == str(places / "started/my file")


def test_the_last_file_that_names_it_counts(places: Path) -> None:
    (places / "started/music").mkdir()
    (places / "files/music").mkdir()
    raw = {"corpus": {"source": "folder", "folder": {"path": "music"}}}
    files = [(places / "files/a.yaml", raw), (places / "started/b.yaml", raw), (places / "run/c.yaml", {"seed": 1})]
    assert locate_paths(raw, files, places)["corpus"]["folder"]["path"] == str(places / "started/music")


def test_what_is_nowhere_is_refused_with_the_places(places: Path) -> None:
    with pytest.raises(ConfigError) as reported:
        located(places, "music")
    assert reported.value.problem.startswith("corpus.folder.path: there is no music; looked for ")
    assert str(places / "files/music") in reported.value.problem and str(places / "run/music") in reported.value.problem
    with pytest.raises(ConfigError) as reported:
        located(places, "~/songs")
    assert reported.value.problem.endswith(f"looked for {places / 'home/songs'}")


@pytest.mark.parametrize(
    "raw",
    [
        {"corpus": {"source": "scores", "folder": {"path": "gone"}}},
        {"corpus": {"scores": {"pieces": "builtin"}}},
        {"separation": {"method": "none", "weights": "gone", "stems_folder": "gone"}},
        {"listening": {"folder": "gone"}},
    ],
)
def test_what_is_not_used_need_not_be_there(places: Path, raw: dict[str, Any]) -> None:
    assert locate_paths(raw, [], places) is not None


@pytest.mark.parametrize(
    "raw",
    [
        {"corpus": {"labels": "gone"}},
        {"corpus": {"scores": {"pieces": "gone"}}},
        {"separation": {"method": "spleeter", "weights": "gone"}},
        {"separation": {"method": "stems", "stems_folder": "gone"}},
        {"sampling": {"prime": {"file": "gone"}}},
        {"start_from": "gone"},
        {"container": "gone"},
        {"training": {"start_from": "gone"}},
        {"adas": {"a": {"training": {"start_from": "gone"}}}},
    ],
)
def test_every_path_that_is_used_must_be_there(places: Path, raw: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="there is no gone; looked for"):
        locate_paths(raw, [], places)


def test_an_address_of_an_image_is_no_path(places: Path) -> None:
    (places / "files/a.sif").touch()
    for given, found in (("docker://me/a", "docker://me/a"), ("a.sif", str(places / "files/a.sif"))):
        raw = {"container": given}
        assert locate_paths(raw, [(places / "files/own.yaml", raw)], places) == {"container": found}


def test_ratings_may_lie_at_home(places: Path) -> None:
    assert locate_paths({"listening": {"folder": "~/r/"}}, [], places)["listening"]["folder"] == str(places / "home/r")


def test_the_workflow_finds_the_folder_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "files/music").mkdir(parents=True)
    (tmp_path / "files/music/a.wav").write_bytes(b"RIFF")
    over = tmp_path / "files/own.yaml"
    section = {"source": "folder", "folder": {"path": "music"}}
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"corpus": section})))
    assert "rule scan" in run(tmp_path / "run", "--dry-run", "corpus", over=over).stdout
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"corpus": {**section, "folder": {"path": "songs"}}})))
    reported = run(tmp_path / "run", "--dry-run", "corpus", over=over, check=False)
    assert reported.returncode != 0
    shown = reported.stdout + reported.stderr
    assert str(tmp_path / "files/songs") in shown and str(tmp_path / "run/songs") in shown
