"""Commands of structure and transcription, by hand as a rule would call them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waveforms import record, render

from descant.sequences import Labels

RATE = 8000


def command(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"descant.commands.{name}", *options], cwd=folder, capture_output=True, text=True
    )


def sources_of(titles: dict[str, str]) -> dict[str, Any]:
    """The folders that the commands write of real music and of each model."""

    def folders(name: str) -> dict[str, str]:
        return {"structure": f"measure_structure/{name}", "transcription": f"transcribe/{name}"}

    rows = [{"model": model, "title": title, **folders(model)} for model, title in titles.items()]
    return {"real": folders("held-out"), "rows": rows}


def test_none_of_them_imports_torch(tmp_path: Path) -> None:
    program = "import sys\n"
    for name in ("measure_structure", "transcribe", "measure", "page"):
        program += f"import descant.commands.{name}\n"
    program += "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.slow
def test_from_audio_to_the_page_with_lists_as_snakemake_writes_them(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    record(tmp_path / "waveform", [("t", "test", 0.1 * random.standard_normal(RATE), Labels())], RATE)
    render(tmp_path / "drawn", 0.1 * random.standard_normal((2, RATE)), RATE)
    common = ["--settings", "{}", "--seconds", "1"]
    real, drawn = ["--recordings", "waveform"], ["--drawn", "drawn"]
    for options, name in ((real, "held-out"), (drawn, "a"), (drawn, "b")):
        for program, more in (("measure_structure", []), ("transcribe", ["--transcription", "{}"])):
            shown = command(tmp_path, program, *common, *more, *options, "--output", f"{program}/{name}")
            assert shown.returncode == 0, shown.stderr
    sources = sources_of({"a": "First", "b": "Second 'model'"})
    given = {"evaluation": {}, "seed": 1, "seconds": 1.0, **sources}
    shown = command(tmp_path, "measure", "structure", "--given", json.dumps(given), "--output", "out")
    assert shown.returncode == 0, shown.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert list(summary["models"]) == ["a", "b"] and summary["seconds"] == 1.0
    given = {name: f"out/{name}.csv" for name in ("table", "separation", "curves")}
    given |= {"summary": "out/summary.json", **sources}
    shown = command(tmp_path, "page", "structure", "--given", json.dumps(given), "--output", "page.html")
    assert shown.returncode == 0, shown.stderr
    assert "Second &#39;model&#39;" in (tmp_path / "page.html").read_text()


def test_a_mistake_is_reported_with_its_cure(tmp_path: Path) -> None:
    shown = command(tmp_path, "measure_structure", "--settings", "{}", "--seconds", "1", "--output", "x")
    assert shown.returncode == 1 and "give either --recordings or --drawn" in shown.stderr
    assert not (tmp_path / "x").exists()


def test_a_model_that_lacks_a_folder_or_comes_twice_is_refused(tmp_path: Path) -> None:
    sources = sources_of({"a": "A", "b": "B"})
    twice = [*sources["rows"], sources["rows"][0]]
    lacking = [sources["rows"][0], {"model": "b", "title": "B", "structure": "measure_structure/b"}]
    for rows, problem in ((lacking, "rows.1.transcription: Field required"), (twice, "a is given twice")):
        given = {"evaluation": {}, "seed": 1, "seconds": 1.0, **sources, "rows": rows}
        done = command(tmp_path, "measure", "structure", "--given", json.dumps(given), "--output", "out")
        assert done.returncode == 1 and problem in done.stderr and "Traceback" not in done.stderr
