"""A page to play on is made from a model file of any name, and says what is missing where there is none."""

from pathlib import Path

import pytest
import yaml
from pipeline import planned, run
from small_band import small_system
from small_models import model_file

from descant.config.parts import PARTS
from descant.modelfile import write_model
from descant.scores.parts import CLASSES

pytestmark = pytest.mark.slow


def test_the_page_is_made_from_a_model_file(tmp_path: Path) -> None:
    system = small_system()
    sequence = {"stream": PARTS, "name": PARTS, "classes": CLASSES, "channels": 4}
    settings = system.settings.model_dump(mode="json")
    model, over, folder = tmp_path / "own {x}'s.safetensors", tmp_path / "own.yaml", tmp_path / "run"
    folder.mkdir()
    write_model(model, model_file("autoregressive_parts", settings, system.state_dict(), **sequence))
    over.write_text(yaml.safe_dump({"band": {"model": model.name, "tempo": 77, "voice": "bass"}}))
    run(folder, "--cores", "1", "band", over=over)
    page = (folder / "results" / "band" / "index.html").read_text(encoding="utf-8")
    assert 'value="77.0"' in page and '<option value="3" selected>bass</option>' in page
    assert planned(folder, "band", over=over) == set()
    write_model(model, model_file("autoregressive_parts", settings, small_system(0.4).state_dict(), **sequence))
    assert planned(folder, "band", over=over) == {"band"}
    model.unlink()
    shown = run(folder, "--cores", "1", "band", over=over, check=False)
    assert shown.returncode and "band.model" in shown.stdout + shown.stderr and "cure:" in shown.stdout + shown.stderr
