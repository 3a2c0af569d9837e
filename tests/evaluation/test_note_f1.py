"""F1 of notes: 1 for the same notes whatever their ends, less as notes are lost or added; a score's notes by place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reading import make_page, read_page

from descant.corpus.notes import notes_table, write_notes
from descant.evaluation.note_f1 import note_f1, score_notes
from descant.evaluation.reconstruction import Stretch
from descant.evaluation.transcription.notes import Note
from descant.report.pages.front import read_finding
from descant.results import write_json
from descant.scores.notes import PERCUSSION
from descant.scores.notes import Note as Written
from descant.sequences import Labels, Track

# onsets a tenth of a second apart: none could be taken for another
PLACES = st.sets(st.tuples(st.integers(0, 50), st.integers(21, 108)), min_size=1, max_size=30)


def as_notes(places: set[tuple[int, int]], length: float = 0.3) -> list[Note]:
    return [Note(step / 10, step / 10 + length, pitch, 0.5) for step, pitch in sorted(places)]


@given(PLACES, st.floats(0.05, 2.0))
def test_ends_do_not_count(places: set[tuple[int, int]], length: float) -> None:
    assert note_f1(as_notes(places), as_notes(places, length)) == pytest.approx(1)


@given(PLACES, PLACES)
def test_it_is_the_harmonic_mean_of_the_shares_found_and_true(
    first: set[tuple[int, int]], second: set[tuple[int, int]]
) -> None:
    common = len(first & second)
    assert note_f1(as_notes(first), as_notes(second)) == pytest.approx(2 * common / (len(first) + len(second)))


def test_a_note_that_is_late_or_a_semitone_off_is_not_found() -> None:
    reference = [Note(1.0, 2.0, 60, 0.5)]
    assert note_f1(reference, [Note(1.04, 2.0, 60, 0.5)]) == 1
    assert note_f1(reference, [Note(1.06, 2.0, 60, 0.5)]) == 0
    assert note_f1(reference, [Note(1.0, 2.0, 61, 0.5)]) == 0
    assert note_f1(reference, []) == 0
    assert note_f1([], reference) is None


def test_notes_of_a_score_are_those_that_begin_within_the_stretch(tmp_path: Path) -> None:
    written = [
        Written(0.5, 60, 3.0, 127),
        Written(1.25, 64, 2.0, 64),
        Written(1.5, 40, 1.6, 90, PERCUSSION),
        Written(3.0, 67, 4.0, 90),
    ]
    others = [Written(1.5, 70, 2.0, 90)]
    write_notes([notes_table("b", others), notes_table("a", written)], tmp_path / "notes.parquet")
    rate = 16000
    stretches = [
        Stretch(Track(track, 0, 10 * rate, "test", Labels()), rate, 2 * rate) for track in ("a", "b", "silent")
    ]
    found = score_notes(tmp_path / "notes.parquet", stretches, rate)
    assert found == [[Note(0.25, 1.0, 64, 64 / 127)], [Note(0.5, 1.0, 70, 90 / 127)], []]


def test_the_page_says_what_the_notes_are_compared_with(tmp_path: Path) -> None:
    figures = {
        "original": {"value": 0.76, "low": 0.7, "high": 0.8},
        "vqvae8": {"value": 0.5, "low": 0.4, "high": 0.6},
        "another test track": {"value": 0.1, "low": None, "high": None},
    }
    summary = {"missing": [], "confidence": 0.95, "excerpts": 5, "renderings": figures, "of_scores": True}
    write_json(tmp_path / "summary.json", summary)
    page = read_page(make_page("note_f1", tmp_path / "page.html", summary=tmp_path / "summary.json", models={}))
    assert "0.760" in page.text and "those of the scores" in page.text
    words = str(read_finding("note_f1", tmp_path / "summary.json", {}, ()))
    assert "vqvae8 0.50. The recording itself has 0.76. Another piece has 0.10." in words
    write_json(tmp_path / "summary.json", {**summary, "of_scores": False})
    page = read_page(make_page("note_f1", tmp_path / "page.html", summary=tmp_path / "summary.json", models={}))
    assert "has no scores" in page.text
