"""The environment files agree with one another."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from pipeline import CHECKOUT

ENVS = Path(__file__).parents[1] / "envs"


def pins(name: str) -> list[str]:
    lines = (ENVS / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_the_conda_environment_has_the_same_pins() -> None:
    conda = yaml.safe_load((ENVS / "main.yaml").read_text())["dependencies"]
    assert conda[-1]["pip"] == pins("requirements.txt")
    script = (ENVS / "main.post-deploy.sh").read_text()
    assert [word for word in script.split() if "==" in word] == pins("requirements-nodeps.txt")


def test_everything_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-nodeps.txt", "requirements-dev.txt", "requirements-fuzz.txt"):
        assert all("==" in pin for pin in pins(name))


def copied_into_images() -> dict[str, set[str]]:
    """What is at the top of the checkout and goes into an image, by the file that says so."""
    ignored = (ENVS.parent / ".dockerignore").read_text().splitlines()
    definition = (ENVS / "descant.def").read_text().partition("%files")[2].partition("%post")[0]
    return {
        ".dockerignore": {line.removeprefix("!") for line in ignored if line.startswith("!")},
        "descant.def": {line.split()[0] for line in definition.splitlines() if line.strip()},
    }


def test_images_hold_what_runs_and_are_made_by_make() -> None:
    for name, copied in copied_into_images().items():
        assert copied == {*CHECKOUT, "Makefile", "pyproject.toml"}, name
    for name in ("Containerfile", "descant.def"):
        text = (ENVS / name).read_text()
        assert "sh /opt/descant/envs/image.sh" in text
        assert not re.search(r"pip3? |==|apt", text), f"{name} has steps of its own"
        assert "debian:bookworm-slim" in text and "/opt/descant/envs/entrypoint.sh" in text
        assert "PATH=/opt/descant/.venv/bin:$PATH" in text
    steps = (ENVS / "image.sh").read_text()
    assert "\nmake .venv/ready\n" in steps and "pip install" not in steps and "==" not in steps


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("owner", [0, 4321])
def test_an_image_runs_as_the_owner_of_the_folder(owner: int) -> None:
    # pytest's own folders are closed to other users
    with tempfile.TemporaryDirectory() as closed:
        folder = Path(closed)
        (folder / "checkout/envs").mkdir(parents=True)
        shutil.copy(ENVS / "entrypoint.sh", folder / "checkout/envs")
        (folder / "snakemake").write_text(
            '#!/bin/sh\nprintf "%s\\n" "$(id -u):$(id -g):$(id -G)" "$HOME" "$LOGNAME" "$@"\n'
        )
        (folder / "snakemake").chmod(0o755)
        (folder / "home").mkdir(mode=0o700)
        folder.chmod(0o755)
        (folder / "music").mkdir()
        os.chown(folder / "music", owner, owner)
        shown = subprocess.run(
            [folder / "checkout/envs/entrypoint.sh", "--config", "a b", ""],
            env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder / "home")},
            cwd=folder / "music",
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    user, home, name, *words = shown.split("\n")[:-1]
    assert user == (f"{owner}:{owner}:{owner}" if owner else "0:0:0")
    assert home == ("/tmp" if owner else str(folder / "home"))
    assert name == str(owner)
    assert words == ["--snakefile", f"{folder}/checkout/Snakefile", "--config", "a b", ""]
