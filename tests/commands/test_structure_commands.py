"""Commands of structure and transcription, by hand as a rule would call them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waveforms import record, render

from descant.sequences import Labels

RATE = 8000


def command(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"descant.commands.{name}", *options], cwd=folder, capture_output=True, text=True
    )


def test_none_of_them_imports_torch(tmp_path: Path) -> None:
    program = "import sys\n"
    for name in ("measure_structure", "transcribe", "structure_summary", "page"):
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
    files = [f"--{name}={name}.csv" for name in ("table", "separation", "curves")] + ["--summary=summary.json"]
    models = ["--model", "a=First", "b=Second 'model'"]
    of_models = ["--drawn-structure", "measure_structure/a", "measure_structure/b"]
    of_models += ["--drawn-transcription", "transcribe/a", "transcribe/b"]
    of_real = ["--structure", "measure_structure/held-out", "--transcription", "transcribe/held-out"]
    shown = command(tmp_path, "structure_summary", *common, *files, *models, *of_real, *of_models)
    assert shown.returncode == 0, shown.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary["models"]) == ["a", "b"] and summary["seconds"] == 1.0
    given = {name: f"{name}.csv" for name in ("table", "separation", "curves")} | {"summary": "summary.json"}
    given |= {"models": {"a": "First", "b": "Second 'model'"}}
    sources = ("held-out", "a", "b")
    given |= {"structure": [f"measure_structure/{name}" for name in sources]}
    given |= {"transcription": [f"transcribe/{name}" for name in sources]}
    shown = command(tmp_path, "page", "structure", "--given", json.dumps(given), "--output", "page.html")
    assert shown.returncode == 0, shown.stderr
    assert "Second &#39;model&#39;" in (tmp_path / "page.html").read_text()


def test_a_mistake_is_reported_with_its_cure(tmp_path: Path) -> None:
    shown = command(tmp_path, "measure_structure", "--settings", "{}", "--seconds", "1", "--output", "x")
    assert shown.returncode == 1 and "give either --recordings or --drawn" in shown.stderr
    assert not (tmp_path / "x").exists()


def test_models_and_folders_that_differ_in_number_are_refused(tmp_path: Path) -> None:
    options = [f"--{part}=x" for part in ("table", "separation", "curves", "summary", "structure", "transcription")]
    options += ["--model", "a=A", "b=B", "--settings", "{}", "--seconds", "1"]
    options += ["--drawn-structure", "x", "--drawn-transcription", "x"]
    done = command(tmp_path, "structure_summary", *options)
    assert done.returncode == 1 and "give one of each" in done.stderr and "Traceback" not in done.stderr
