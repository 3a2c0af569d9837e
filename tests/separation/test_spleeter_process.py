"""Processes that fail in each way; the real one that works is compared in test_spleeter_torch.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

from descant.audio.files import Block
from descant.separation.separator import SeparationError
from descant.separation.spleeter_process import SpleeterProcess

GREETING = '{"stems": ["vocals", "accompaniment"], "sample_rate": 44100}'
CHUNK = np.zeros((1000, 2), dtype=np.float32)


def program(folder: Path, script: str) -> Path:
    """An executable in the place of spleeter's Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def separate(python: Path, folder: Path) -> list[Block]:
    process = SpleeterProcess(python, "spleeter:2stems", folder, 1)
    try:
        return [part.mix for part in process.separate([CHUNK])]
    finally:
        process.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no such model >&2; exit 3", "exit code 3"),
        ("echo no such model >&2; exit 3", "no such model"),
        ("exit 0", "said nothing"),
        ("echo good morning; exec sleep 60", "good morning"),
        ("""echo '["vocals"]'; exec sleep 60""", "greets with"),
        ("""echo '{"stems": [], "sample_rate": 44100}'; exec sleep 60""", "44100 Hz is expected"),
        ("""echo '{"stems": ["vocals"], "sample_rate": 16000}'; exec sleep 60""", "at 16000 Hz"),
        (f"echo '{GREETING}'; exec cat", "answers with 1000 stems"),
        (f"echo '{GREETING}'; head -c 20 > /dev/null; echo out of memory >&2", "out of memory"),
        (f"echo '{GREETING}'; printf '\\002\\0\\0\\0\\0\\0\\0\\0abc'; exec head -c 8008 > /dev/null", "spleeter ended"),
    ],
)  # fmt: skip
def test_death_and_nonsense_are_reported_with_the_last_words(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(SeparationError, match=message) as error:
        separate(program(tmp_path, script), tmp_path)
    assert "torch" in error.value.cure


def test_the_last_lines_are_reported_only(tmp_path: Path) -> None:
    with pytest.raises(SeparationError) as error:
        separate(program(tmp_path, "seq 100000 >&2; exit 1"), tmp_path)
    assert "100000" in error.value.problem and len(error.value.problem.splitlines()) < 20


def test_a_python_without_spleeter_is_reported(tmp_path: Path) -> None:
    """The real program, in an environment that has no TensorFlow."""
    with pytest.raises(SeparationError, match="No module named 'tensorflow'"):
        separate(Path(sys.executable), tmp_path)


def test_no_python_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SeparationError, match="cannot be run"):
        separate(tmp_path / "none", tmp_path)


@pytest.mark.slow
def test_a_folder_without_weights_is_reported(interpreter: Path, tmp_path: Path) -> None:
    with pytest.raises(SeparationError, match="no checkpoint of 2stems"):
        separate(Path(interpreter.read_text().strip()), tmp_path)
