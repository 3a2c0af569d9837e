"""Scores in four parts in a folder of any names become a sequence and its baselines; what changes reruns them."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from pipeline import planned, run

from descant.corpus.parts_dealing import PieceRow
from descant.evaluation.parts_baselines import PartsBaselines
from descant.results import read_json, read_rows
from descant.scores.part_writing import midi_of
from descant.scores.parts import HELD, Grid
from descant.sequences import open_checked

pytestmark = pytest.mark.slow


def piece(seed: int) -> Grid:
    random = np.random.default_rng(seed)
    grid = np.full((64, 4), HELD, np.uint8)
    grid[::2] = np.array([72, 65, 57, 48]) + random.integers(-3, 4, (32, 4))
    return grid


def test_a_folder_of_scores_needs_no_audio_and_reruns_by_its_content(tmp_path: Path) -> None:
    music = tmp_path / "mine {x} *"
    music.mkdir()
    for place in range(6):
        (music / f"{place} {{wildcards.x}}.mid").write_bytes(midi_of(piece(place)))
    (music / "broken.mid").write_bytes(b"MThd")
    over = tmp_path / "own.yaml"
    over.write_text(yaml.safe_dump({"parts": {"source": "folder", "folder": str(music), "transpose": "all"}}))
    folder = tmp_path / "run"
    folder.mkdir()
    run(folder, "--cores", "1", "parts_baselines", over=over)
    results = folder / "results"
    assert {path.name for path in results.iterdir()} == {"sequences", "parts", "logs", "benchmarks"}
    sequence = open_checked(results / "sequences" / "parts")
    form = (sequence.classes, sequence.hop, sequence.sample_rate, sequence.channels, sequence.unit)
    assert form == (130, 1, 4, 4, "quarter") and sequence.data.dtype == np.uint8
    rows = read_rows(PieceRow, results / "parts" / "pieces.csv")
    assert [row.used for row in rows].count(True) == 6 and len(rows) == 7
    assert len(sequence.index) == 6 + sum(row.copies or 0 for row in rows)
    assert read_json(PartsBaselines, results / "parts" / "baselines.json").rows

    assert planned(folder, "parts_baselines", over=over) == set()
    moved = music.rename(tmp_path / "elsewhere")
    over.write_text(yaml.safe_dump({"parts": {"source": "folder", "folder": str(moved), "transpose": "all"}}))
    assert planned(folder, "parts_baselines", over=over) == set(), "where it lies says nothing"
    (moved / "broken.mid").write_bytes(midi_of(piece(9)))
    assert planned(folder, "parts_baselines", over=over) >= {"parts", "parts_baselines"}
