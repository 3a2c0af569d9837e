"""The page of the band, from the command line: what cannot play along is refused with a cure."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_band import small_system
from small_models import model_file

from descant.config.parts import PARTS
from descant.modelfile import write_model
from descant.scores.parts import CLASSES

SEQUENCE = {"stream": PARTS, "name": PARTS, "classes": CLASSES, "channels": 4}


def write(path: Path, **over: Any) -> Path:
    system = small_system(**over)
    settings = system.settings.model_dump(mode="json")
    write_model(path, model_file("autoregressive_parts", settings, system.state_dict(), **SEQUENCE))
    return path


def page(folder: Path, settings: dict[str, Any], *models: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "descant.commands.band_page", "--settings", json.dumps(settings), "--model"]
    arguments = [*map(str, models), "--output", str(folder / "index.html")]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)


def test_the_page_is_of_the_file_that_is_named(tmp_path: Path) -> None:
    named, other = write(tmp_path / "named", width=12), write(tmp_path / "other")
    for settings, models, width in (({"model": str(named)}, (), 12), ({}, (other,), 8)):
        done = page(tmp_path, settings, *models)
        assert done.returncode == 0, done.stderr
        assert f"width {width}," in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("latent", [None, 2])
def test_what_cannot_play_along_is_refused(tmp_path: Path, latent: int | None) -> None:
    models = [write(tmp_path / "latents", latent=latent)] if latent else []
    done = page(tmp_path, {}, *models)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert ("latents of measures" if latent else "no network is named") in done.stderr and "cure:" in done.stderr
    assert not (tmp_path / "index.html").exists()
