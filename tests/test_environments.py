"""The environment files agree with one another."""

from pathlib import Path

import yaml

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
