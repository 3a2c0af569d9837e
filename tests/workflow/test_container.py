"""An image that the configuration names is the one in which Snakemake runs the jobs."""

import json
from pathlib import Path

import pytest
import yaml
from pipeline import TINY, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

FILES = "results/corpus/files.parquet"
# like `apptainer exec OPTIONS IMAGE SHELL -c COMMAND`, but without an image: it records its words and runs the command
STAND_IN = """#!/usr/bin/env python3
import json, os, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("apptainer version 1.4.0"))
with open(os.environ["RECORDED"], "a") as recorded:
    print(json.dumps(sys.argv[1:]), file=recorded)
if sys.argv[1] == "exec":
    os.execvp(sys.argv[-3], sys.argv[-3:])
"""


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for Apptainer, first on the path, writes the words of each of its commands."""
    program = tmp_path / "bin/apptainer"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("RECORDED", str(tmp_path / "recorded"))
    return tmp_path / "recorded"


def settings(folder: Path, image: str) -> Path:
    """A file that names an image."""
    over = folder / "own.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"container": image})))
    return over


def test_jobs_run_in_the_image_beside_the_file_that_names_it(tmp_path: Path, recorded: Path) -> None:
    image, folder = tmp_path / "descant.sif", tmp_path / "run"
    image.touch()
    bound = ["--sdm", "apptainer", "--apptainer-args", "--bind /tmp"]
    run(folder, "--cores", "1", FILES, *bound, over=settings(tmp_path, image.name))
    assert (folder / FILES).exists()
    (words,) = map(json.loads, recorded.read_text().splitlines())
    assert words[:5] == ["exec", "--home", str(folder), "--bind", "/tmp"]
    assert words[-4:-1] == [str(image), "bash", "-c"]
    assert "python -m descant.commands.scan" in words[-1]


def test_an_address_is_fetched_where_it_is_asked_for_and_else_not_looked_at(tmp_path: Path, recorded: Path) -> None:
    address = "docker://me/descant:1"
    over = settings(tmp_path, address)
    fetched = f"image {address} will be pulled"
    assert fetched in run(tmp_path / "run", "--dry-run", FILES, "--sdm", "apptainer", over=over).stdout
    assert fetched not in run(tmp_path / "run", "--dry-run", FILES, over=over).stdout
    assert not recorded.exists()
