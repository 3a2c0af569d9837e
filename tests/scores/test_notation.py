from pathlib import Path

import pretty_midi
import pytest
from music21 import chord, converter, harmony, instrument, meter, note, stream, tempo, tie

from descant.errors import ScoreError
from descant.scores.notation import read_notation

MARKED = """<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1"><part-name/></score-part>
</part-list><part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes>
<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>{tempo}</per-minute></metronome>
</direction-type></direction><note><pitch><step>C</step><octave>4</octave></pitch><duration>{duration}</duration></note>
</measure></part></score-partwise>"""


def score_file(folder: Path, *parts: list[object]) -> Path:
    score = stream.Score()
    for elements in parts:
        part = stream.Part()
        part.append(elements)
        score.insert(0, part)
    return Path(score.write("musicxml", fp=folder / "score.musicxml"))


def test_zero_length_notes_are_dropped_and_ties_joined(tmp_path: Path) -> None:
    grace = note.Note("D5", quarterLength=0.5).getGrace()
    held, on = note.Note("A4", quarterLength=1), note.Note("A4", quarterLength=2)
    held.tie, on.tie = tie.Tie("start"), tie.Tie("stop")
    notes = read_notation(score_file(tmp_path, [grace, held, on, note.Note("C4", quarterLength=1)]), 60)
    assert [(n.pitch, n.onset, n.end) for n in notes] == [(69, 0.0, 3.0), (60, 3.0, 4.0)]


def test_music21_writes_the_same_music_as_midi(tmp_path: Path) -> None:
    tune = [
        meter.TimeSignature("4/4"), tempo.MetronomeMark(number=90), note.Note("C4", quarterLength=1.5),
        note.Note("E4", quarterLength=0.5), chord.Chord(["G4", "B4"], quarterLength=2),
        tempo.MetronomeMark(number=150), note.Note("F4", quarterLength=4),
    ]  # fmt: skip
    bass = [instrument.Violoncello(), note.Rest(quarterLength=1), note.Note("C3", quarterLength=7)]
    path = score_file(tmp_path, tune, bass)
    notes = read_notation(path)
    written = stream.Score([stream.Part(tune), stream.Part(bass)]).write("midi", fp=tmp_path / "a.mid")
    instruments = pretty_midi.PrettyMIDI(str(written)).instruments
    wanted = sorted((n.start, n.pitch, n.end, part.program) for part in instruments for n in part.notes)
    assert [(n.onset, n.pitch, n.end, n.program) for n in notes] == [
        (pytest.approx(start, abs=2e-3), pitch, pytest.approx(end, abs=2e-3), program)
        for start, pitch, end, program in wanted
    ]
    assert {(n.voice, n.program, n.velocity) for n in notes} == {(0, 0, 84), (1, 42, 72)}
    # a tempo that is given holds throughout
    assert max(n.end for n in read_notation(path, 60)) == 8.0 == max(n.end_quarters for n in notes)


def test_chord_symbols_and_percussion_without_pitch_are_left_out(tmp_path: Path) -> None:
    notes = read_notation(score_file(tmp_path, [harmony.ChordSymbol("C"), note.Note(60), note.Unpitched()]))
    assert [n.pitch for n in notes] == [60]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tune.abc", "X:1\nT:Tune\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\nCDEF|\n"),
        ("tune.krn", "**kern\n*M4/4\n*MM120\n4c\n4d\n4e\n4f\n*-\n"),
    ],
)
def test_abc_and_humdrum(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert [(n.pitch, n.onset) for n in read_notation(tmp_path / name)] == [(60, 0.0), (62, 0.5), (64, 1.0), (65, 1.5)]


def test_what_midi_has_no_number_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="number 132"):
        read_notation(score_file(tmp_path, [note.Note("C10", quarterLength=1)]))


@pytest.mark.parametrize("quarters_per_minute", ["0", "-60", "nan"])
def test_a_tempo_that_is_none_is_passed_over(quarters_per_minute: str, tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_text(MARKED.format(tempo=quarters_per_minute, duration=4))
    assert [(n.onset, n.end) for n in read_notation(path)] == [(0.0, 2.0)]


@pytest.mark.parametrize(("quarters_per_minute", "duration"), [("inf", "4"), ("60", "nan"), ("60", "-4"), ("60", "0")])
def test_what_is_no_music_is_refused_with_a_cure(quarters_per_minute: str, duration: str, tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_text(MARKED.format(tempo=quarters_per_minute, duration=duration))
    with pytest.raises(ScoreError, match="the score") as refused:
        read_notation(path)
    assert "save it again" in refused.value.cure


def test_memory_that_runs_out_is_not_called_a_fault_of_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def runs_out(*arguments: object, **settings: object) -> None:
        raise MemoryError

    monkeypatch.setattr(converter, "parseFile", runs_out)
    with pytest.raises(MemoryError):
        read_notation(tmp_path / "a.musicxml")
