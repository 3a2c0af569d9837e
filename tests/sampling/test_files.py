"""What was drawn is written while its run directory is held."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from descant.errors import RunError
from descant.runs.folder import locked
from descant.sampling import files
from descant.sampling.files import write_drawn

DRAWN = np.arange(8, dtype=np.uint8).reshape(2, 4)


def test_nobody_else_holds_the_run_directory_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_steps
    refused = []

    def look(path: Path, steps: np.ndarray) -> None:
        with pytest.raises(RunError, match="in use"), locked(tmp_path / "run"):
            pass
        refused.append(path)
        write(path, steps)

    monkeypatch.setattr(files, "write_steps", look)
    write_drawn(tmp_path / "out.npy", DRAWN, tmp_path / "run")
    assert refused == [tmp_path / "out.npy"]
    assert np.array_equal(np.load(tmp_path / "out.npy"), DRAWN)


def test_it_waits_for_a_rerun_that_is_drawing(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        writing = Thread(target=write_drawn, args=(tmp_path / "out.npy", DRAWN, tmp_path / "run"))
        writing.start()
        writing.join(0.3)
        assert writing.is_alive() and not (tmp_path / "out.npy").exists()
    writing.join(30)
    assert np.array_equal(np.load(tmp_path / "out.npy"), DRAWN)
