"""Scores are packed only where the networks that learn them can fill a window."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from descant.commands.parts import parts
from descant.errors import CorpusError
from descant.plan.windows import Window
from descant.scores.part_writing import midi_of
from descant.scores.parts import HELD, MEASURE
from descant.sequences import open_checked


def test_a_window_that_no_score_fills_is_refused_by_its_key(tmp_path: Path) -> None:
    music, random = tmp_path / "music", np.random.default_rng(1)
    music.mkdir()
    for number in range(6):
        grid = np.full((4 * MEASURE, 4), HELD, np.uint8)
        grid[::2] = np.array([72, 65, 57, 48]) + random.integers(-3, 4, (2 * MEASURE, 4))
        (music / f"{number}.mid").write_bytes(midi_of(grid))
    settings = json.dumps({"source": "folder", "folder": str(music)})

    def pack(measures: int) -> None:
        window = Window("big-on-parts", ("big",), "part_models.big.training.window", measures * MEASURE, 1)
        parts(settings, 1, tmp_path / "parts", tmp_path / "pieces.csv", json.dumps([asdict(window)]))

    with pytest.raises(CorpusError, match=r"part_models\.big\.training\.window is 80 steps, 20\.0 quarter notes"):
        pack(5)
    assert not (tmp_path / "parts" / "data.npy").exists()
    pack(4)
    assert len(open_checked(tmp_path / "parts").tracks()) == 6
