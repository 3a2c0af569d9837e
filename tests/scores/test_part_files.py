"""Scores in parts: MusicXML and MIDI come back exactly; pickups, bars and odd notes; what is refused."""

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import music21
import numpy as np
import pytest
from grids import chorale, voice_notes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from music21 import chord, meter, note, stream

from descant.errors import ScoreError
from descant.scores.part_files import midi_of, musicxml_of, read_parts
from descant.scores.parts import HELD, REST, SILENCE, PartNote, decode, encode, sounding

VOICES = ((72, 81), (60, 71), (48, 59), (36, 47))


@st.composite
def pieces(draw: st.DrawFn) -> np.ndarray:
    """Pieces of two measures whose voices all sound in both, so that nothing of them is silence to be cut."""
    voices = []
    for low, high in VOICES:
        notes = draw(voice_notes(32, low, high))
        end = notes[-1].end if notes else 0
        voices.append([*notes, PartNote(end, 33, low)] if end < 32 else notes)
    return encode([[PartNote(n.onset, min(n.end, 32), n.pitch) for n in notes] for notes in voices], 32)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces())
def test_both_files_come_back_exactly(tmp_path: Path, grid: np.ndarray) -> None:
    written, played = tmp_path / "a.musicxml", tmp_path / "a.mid"
    written.write_bytes(musicxml_of(grid, "A piece"))
    played.write_bytes(midi_of(grid))
    found = read_parts(written)
    assert decode(found.grid) == decode(grid) and np.array_equal(found.grid, grid)
    assert found.title == "A piece" and found.remarks == ()
    assert np.array_equal(read_parts(played).grid, grid)


def score(*parts: list[object]) -> stream.Score:
    whole = stream.Score()
    for elements in parts:
        part = stream.Part()
        part.append(elements)
        whole.insert(0, part)
    return whole


def saved(folder: Path, whole: stream.Score) -> Path:
    return Path(whole.write("musicxml", fp=folder / "score.musicxml"))


def four(*upper: object, signature: str = "4/4") -> stream.Score:
    """A score whose first part is given; the others hold whole notes as long."""
    length = sum(element.quarterLength for element in upper)  # type: ignore[attr-defined]
    others = [[meter.TimeSignature(signature), note.Note(pitch, quarterLength=length)] for pitch in (62, 53, 45)]
    return score([meter.TimeSignature(signature), *upper], *others)


def measured(folder: Path, *lengths: list[int]) -> Path:
    """A file of measures of notes of these lengths in quarters, in four parts."""
    parts, names = "", ""
    for number, octave in enumerate((5, 4, 3, 2)):
        names += f'<score-part id="P{number}"><part-name>P</part-name></score-part>'
        measures = ""
        for place, notes in enumerate(lengths):
            pitch = f"<pitch><step>C</step><octave>{octave}</octave></pitch>"
            written = "".join(f"<note>{pitch}<duration>{length}</duration></note>" for length in notes)
            time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
            head = "" if place else f"<attributes><divisions>1</divisions>{time}</attributes>"
            measures += f'<measure number="{place}">{head}{written}</measure>'
        parts += f'<part id="P{number}">{measures}</part>'
    path = folder / "measures.musicxml"
    path.write_text(f'<score-partwise version="3.1"><part-list>{names}</part-list>{parts}</score-partwise>')
    return path


def test_a_pickup_is_preceded_by_rest_and_the_last_measure_filled(tmp_path: Path) -> None:
    found = read_parts(measured(tmp_path, [1], [1, 1, 2], [3]))
    assert found.grid.shape == (48, 4)
    assert found.remarks == ("pickup of 1 quarters",)
    soprano = decode(found.grid)[0]
    assert [(n.onset, n.end) for n in soprano] == [(12, 16), (16, 20), (20, 24), (24, 32), (32, 44)]
    assert found.grid[0, 0] == REST and found.grid[44, 0] == REST and found.grid[45, 0] == HELD


def test_bars_that_do_not_line_up_are_refused(tmp_path: Path) -> None:
    halves = measured(tmp_path, [1], [4], [3], [1], [4])
    assert read_parts(halves).grid.shape == (64, 4), "a bar in two halves, as before a repeat, is whole"
    with pytest.raises(ScoreError, match="begins within a bar"):
        read_parts(measured(tmp_path, [4], [3], [4]))


def test_a_few_odd_notes_are_rounded_and_many_refused(tmp_path: Path) -> None:
    quick = [note.Note(76, quarterLength=0.125), note.Note(77, quarterLength=0.125)]
    found = read_parts(
        saved(tmp_path, four(*[note.Note(74) for _ in range(39)], note.Note(75, quarterLength=0.75), *quick))
    )
    assert found.remarks == ("2 of 45 notes rounded to sixteenths", "1 notes too short for the grid left out")
    assert [n.pitch for n in decode(found.grid)[0]][-2:] == [75, 76]
    triplets = [note.Note(74 + place % 3, quarterLength=1 / 3) for place in range(12)]
    with pytest.raises(ScoreError, match="lie off the sixteenths"):
        read_parts(saved(tmp_path, four(*triplets)))


def test_ties_are_joined_and_grace_notes_left_out(tmp_path: Path) -> None:
    tied = note.Note(74, quarterLength=6)
    found = read_parts(
        saved(tmp_path, four(note.Note(80, quarterLength=0.5).getGrace(), tied, note.Rest(quarterLength=2)))
    )
    assert decode(found.grid)[0] == [PartNote(0, 24, 74)]


def test_parts_are_sorted_by_pitch(tmp_path: Path) -> None:
    parts = [[meter.TimeSignature("4/4"), note.Note(pitch, quarterLength=4)] for pitch in (48, 72, 60, 66)]
    found = read_parts(saved(tmp_path, score(*parts)))
    assert found.grid[0].tolist() == [72, 66, 60, 48]
    assert found.remarks == ("parts sorted by their pitch",)


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (score([meter.TimeSignature("4/4"), note.Note(60)]), "1 parts, not 4"),
        (four(note.Note(74, quarterLength=3), signature="3/4"), "meter 3/4, not 4/4"),
        (four(chord.Chord([74, 77], quarterLength=4)), "part 1 has chords"),
        (four(note.Rest(quarterLength=4)), "part 1 has no notes"),
    ],
    ids=["parts", "meter", "chords", "empty"],
)
def test_other_music_is_refused_with_its_reason(whole: stream.Score, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=reason) as refused:
        read_parts(saved(tmp_path, whole))
    assert refused.value.cure


def test_what_is_no_score_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<html/>")
    with pytest.raises(ScoreError):
        read_parts(path)


def test_the_small_piece_is_read_as_it_sounds(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(musicxml_of(chorale()))
    assert np.array_equal(read_parts(path).grid, chorale())


def sounds_of(path: Path) -> np.ndarray:
    """What sounds at each sixteenth of a compressed MusicXML file ``(steps, parts)``, by adding up its durations."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".xml") and not name.startswith("META"))
        tree = ElementTree.fromstring(archive.read(name))
    columns = []
    for part in tree.iter("part"):
        divisions = int(next(part.iter("divisions")).text or 0)
        column: list[int] = []
        for written in part.iter("note"):
            steps = 4 * int(written.findtext("duration", "0")) // divisions
            step, octave = written.findtext("pitch/step"), int(written.findtext("pitch/octave", "0"))
            alter = int(written.findtext("pitch/alter", "0"))
            pitch = SILENCE if step is None else 12 * (octave + 1) + "C D EF G A B".index(step) + alter
            column += [pitch] * steps
        columns.append(column)
    return np.array(columns).T


@pytest.mark.parametrize(("name", "pickup"), [("bwv66.6", 4), ("bwv347", 4), ("bwv10.7", 0)])
def test_chorales_sound_as_their_files_say(name: str, pickup: int) -> None:
    path = Path(music21.__file__).parent / "corpus" / "bach" / f"{name}.mxl"
    found, expected = read_parts(path), sounds_of(path)
    first = -pickup % 16
    assert np.array_equal(sounding(found.grid)[first : first + len(expected)], expected)
    assert (sounding(found.grid)[:first] == SILENCE).all()
    assert (sounding(found.grid)[first + len(expected) :] == SILENCE).all()
