"""Polyphonic parts from end to end: scores of a folder, an RMVAE, its table and page, and what it draws."""

from pathlib import Path

import pytest
import yaml
from chorales import roll_of
from page_reading import read_page
from pipeline import ROOT, planned, run

from descant.corpus.parts_dealing import PieceRow
from descant.evaluation.parts_baselines import ALL
from descant.evaluation.parts_scores import PartsLine
from descant.results import read_rows
from descant.scores.part_files import read_parts
from descant.scores.part_writing import midi_of
from descant.scores.polyphony import DURATIONS
from descant.sequences import open_sequence

pytestmark = pytest.mark.slow
PAGE, FRONT = "results/report/parts.html", "results/report/index.html"


def test_an_rmvae_learns_chords_and_writes_some(tmp_path: Path) -> None:
    music, folder, over = tmp_path / "music", tmp_path / "run", tmp_path / "own.yaml"
    music.mkdir()
    folder.mkdir()
    for seed in range(6):
        (music / f"{seed}.mid").write_bytes(midi_of(roll_of(4, seed)))
    training = {"batch": 2, "window": 48, "steps": 2, "schedule": {"warmup_steps": 0}}
    own = {
        "parts": {"form": "polyphonic", "source": "folder", "folder": str(music), "voices": 2},
        "part_models": {"chords": {"kind": "rmvae", "training": training}},
        "models": {"chords": {"kind": "parts", "title": "Chords", "part_model": "chords"}},
        "rows": ["chords"],
        "compositions": {"chorale": None},
        "music": dict.fromkeys(("composed", "sonata", "chorale", "quartet", "polonaise")),
        "evaluation": {"parts": {"bound_draws": 1, "pieces": 1, "measures": 2}},
    }
    over.write_text(yaml.safe_dump(own))
    heard = "results/parts/audio/chords"
    run(folder, "--cores", "1", PAGE, FRONT, "parts_drawn", heard, over=over)
    results = folder / "results"
    parts = open_sequence(results / "sequences/parts")
    assert (parts.classes, parts.channels) == (DURATIONS, 2 * 128)
    pieces = read_rows(PieceRow, results / "parts/pieces.csv")
    assert all(row.used and row.measures == 4 for row in pieces)
    lines = {(line.title, line.task): line for line in read_rows(PartsLine, results / "parts/table.csv")}
    tasks = ("next token", "next measure", "fill part 1", "fill part 2")
    assert {("Chords", task) for task in tasks} <= set(lines)
    copied, held = lines["last measure", "next measure"], lines["hold", "next measure"]
    assert copied.material == ALL and copied.note_f1 and held.note_f1 == 0
    assert lines["Chords", "next token"].bound and lines["Chords", "next measure"].note_f1 is not None
    shown = read_page((folder / PAGE).read_text(), str(folder)).text
    assert "Filling a part" in shown and "frequencies by place" in shown
    first = read_page((folder / FRONT).read_text(), str(folder)).text
    assert "Scores in 2 parts from a folder." in first and "Composing, by nats a note: " in first
    assert all(f"{task}, by " in first for task in ("The next measure", "Filling part 1", "Filling part 2"))
    drawn = results / "parts/drawn/chords"
    names = {path.name for path in drawn.glob("*.mid")}
    assert names == {f"1-{name}.mid" for name in ("given", "appended", "part-1-filled", "part-2-filled")}
    given = read_parts(drawn / "1-given.mid", 2, 2, "polyphonic").grid
    assert any((given == read_parts(music / f"{seed}.mid", 2, 2, "polyphonic").grid).all() for seed in range(6))
    assert len(list((folder / heard).glob("*.flac"))) == 1
    assert planned(folder, PAGE, FRONT, "parts_drawn", heard, over=over) - {"parts_drawn"} == set()


def test_the_quartets_have_a_first_page_too(tmp_path: Path) -> None:
    pages = planned(tmp_path, over=ROOT / "config" / "parts-polyphonic.yaml")
    assert {"page page=index", "page page=parts"} <= pages
