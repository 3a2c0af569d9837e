"""Scores in parts: both come back, MusicXML as read by sight too; pickups and odd notes; what is refused."""

import os
import subprocess
import sys
import zipfile
from itertools import groupby, pairwise
from pathlib import Path
from xml.etree import ElementTree

import mido
import music21
import numpy as np
import pytest
from grids import any_notes, chorale, voice_notes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from music21 import chord, meter, note, stream, tie

from descant.errors import ScoreError
from descant.scores.part_files import read_parts
from descant.scores.part_writing import midi_of, musicxml_of
from descant.scores.parts import HELD, PITCHES, REST, SILENCE, PartNote, decode, encode, sounding
from descant.scores.polyphony import decode as decode_roll
from descant.scores.polyphony import encode as encode_roll

VOICES = ((72, 81), (60, 71), (48, 59), (36, 47))
ALTERS = {"sharp": 1, "flat": -1, "natural": 0, "double-sharp": 2, "flat-flat": -2}


@st.composite
def pieces(draw: st.DrawFn) -> np.ndarray:
    """Pieces of two measures whose voices all sound in both, so that nothing of them is silence to be cut."""
    voices = []
    # wide ones, which have a letter in several octaves, in an order that sorting by pitch keeps
    for low, high in VOICES if draw(st.booleans()) else ((84, 127), (60, 83), (36, 59), (12, 35)):
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


def seen(content: bytes) -> list[list[int]]:
    """The pitches of each part's noteheads as somebody reads them who knows the key, accidentals and ties alone."""
    tree, parts = ElementTree.fromstring(content), []
    fifths = int(tree.findtext(".//fifths", "0"))
    signature = dict.fromkeys("FCGDAEB"[: max(fifths, 0)], 1) | dict.fromkeys("BEADGCF"[: max(-fifths, 0)], -1)
    for part in tree.iter("part"):
        pitches: list[int] = []
        for measure in part.iter("measure"):
            holds: dict[tuple[str, int], int] = {}
            for written in measure.iter("note"):
                step, accidental = written.findtext("pitch/step"), written.findtext("accidental")
                if step is None:
                    continue
                line = step, int(written.findtext("pitch/octave", ""))
                if accidental is not None:
                    holds[line] = ALTERS[accidental]
                alter = holds.get(line, signature.get(step, 0))
                is_tied = accidental is None and any(tie.get("type") == "stop" for tie in written.iter("tie"))
                sounds = 12 * (line[1] + 1) + "C D EF G A B".index(step) + alter
                pitches.append(pitches[-1] if is_tied else sounds)
        parts.append(pitches)
    return parts


def noteheads(content: bytes) -> list[list[int]]:
    """The same as the file's alterations have them, which no reader sees."""
    return [
        [
            12 * (int(written.findtext("octave", "")) + 1)
            + "C D EF G A B".index(written.findtext("step", ""))
            + int(written.findtext("alter", "0"))
            for written in part.iter("pitch")
        ]
        for part in ElementTree.fromstring(content).iter("part")
    ]


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 30))
def test_a_reader_who_sees_key_and_accidentals_alone_reads_the_pitches(seed: int) -> None:
    random = np.random.default_rng(seed)
    # four semitones in all octaves: every voice leaps through all it can, back and forth over a few letters
    tones = [pitch for pitch in range(12, PITCHES) if (pitch + seed) % 12 < 4]
    voices = []
    for _ in range(4):
        bounds = [0, *np.cumsum(random.choice([1, 2, 3, 4, 5, 7, 14, 20, 36], 12)), 96]
        notes = [PartNote(int(a), min(int(b), 96), int(random.choice(tones))) for a, b in pairwise(bounds) if a < 96]
        voices.append(notes)
    content = musicxml_of(encode(voices, 96))
    assert seen(content) == noteheads(content)
    struck = [[pitch for pitch, _ in groupby(part)] for part in noteheads(content)]
    assert struck == [[pitch for pitch, _ in groupby(note.pitch for note in part)] for part in voices]


def test_a_natural_is_written_in_each_octave_and_measure_that_needs_it() -> None:
    upper = [PartNote(0, 4, 77), PartNote(4, 8, 65), PartNote(8, 12, 67), PartNote(12, 20, 65), PartNote(20, 24, 65)]
    grid = encode([[*upper, PartNote(24, 32, 66)], *([PartNote(0, 32, pitch)] for pitch in (62, 59, 43))], 32)
    part = next(ElementTree.fromstring(musicxml_of(grid)).iter("part"))
    naturals = [written.findtext("accidental") for written in part.iter("note")]
    assert naturals == ["natural", "natural", None, None, None, "natural", "sharp"]


def test_the_same_grid_gives_the_same_bytes_in_another_process() -> None:
    lines = "import sys; from grids import chorale; from descant.scores.part_writing import musicxml_of"
    run = [sys.executable, "-c", f"{lines}; sys.stdout.buffer.write(musicxml_of(chorale()))"]
    paths = os.pathsep.join(sys.path)
    other = subprocess.run(run, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": paths}).stdout
    assert musicxml_of(chorale()) == musicxml_of(chorale()) == other


@pytest.mark.parametrize("accidental", ["<accidental>natural</accidental>", "<alter>0</alter>"])
@pytest.mark.parametrize("bars", [2, 3, 5])
def test_a_note_tied_over_bars_is_struck_once_whatever_its_natural(bars: int, accidental: str, tmp_path: Path) -> None:
    key, time = "<key><fifths>1</fifths></key>", "<time><beats>4</beats><beat-type>4</beat-type></time>"
    measures = ""
    for bar in range(bars):
        alter, sign = (accidental, "") if "alter" in accidental else ("", accidental)
        shown = (alter, sign) if bar == 0 else ("", "")
        ties = "".join(f'<tie type="{k}"/>' for k in ["stop"] * (bar > 0) + ["start"] * (bar < bars - 1))
        head = "" if bar else f"<attributes><divisions>1</divisions>{key}{time}</attributes>"
        pitch = f"<pitch><step>F</step>{shown[0]}<octave>4</octave></pitch>"
        written = f"<note>{pitch}<duration>4</duration>{ties}{shown[1]}</note>"
        measures += f'<measure number="{bar}">{head}{written}</measure>'
    path = tmp_path / "tied.musicxml"
    listed = '<part-list><score-part id="P"><part-name>P</part-name></score-part></part-list>'
    path.write_text(f'<score-partwise version="4.0">{listed}<part id="P">{measures}</part></score-partwise>')
    assert decode(read_parts(path, 1, 4).grid)[0] == [PartNote(0, 16 * bars, 65)]


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
    assert found.remarks == ("pickup of 1 quarter",)
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
    assert found.remarks == ("2 of 45 notes rounded to sixteenths", "1 note too short for the grid left out")
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


def played(path: Path, *parts: list[tuple[int, int, int]], one_track: bool = False) -> Path:
    """A MIDI file of the onsets and ends in ticks, 480 a quarter, and pitches of its parts, each on its channel."""
    tracks: list[list[tuple[int, bool, mido.Message]]] = []
    for channel, notes in enumerate(parts):
        events = [
            (at, is_on, mido.Message("note_on" if is_on else "note_off", channel=channel, note=pitch))
            for onset, end, pitch in notes
            for at, is_on in ((onset, True), (end, False))
        ]
        if one_track and tracks:
            tracks[0] += events
        else:
            tracks.append(events)
    file = mido.MidiFile(type=0 if one_track else 1, ticks_per_beat=480)
    for events in tracks:
        now, track = 0, file.add_track()
        for at, _, message in sorted(events, key=lambda event: event[:2]):
            track.append(message.copy(time=at - now))
            now = at
    file.save(path)
    return path


def quarters(pitch: int, number: int = 32) -> list[tuple[int, int, int]]:
    return [(480 * place, 480 * place + 480, pitch + place % 3) for place in range(number)]


FOUR = (72, 64, 57, 48)


@pytest.mark.parametrize("beside", [-50, -24, 10, 50])
def test_notes_detached_or_tied_over_by_a_player_end_where_the_next_begins(beside: int, tmp_path: Path) -> None:
    parts = [quarters(pitch) for pitch in FOUR]
    expected = read_parts(played(tmp_path / "a.mid", *parts))
    others = [[*((a, b + beside, p) for a, b, p in part[:-1]), part[-1]] for part in parts]
    found = read_parts(played(tmp_path / "b.mid", *others))
    assert np.array_equal(found.grid, expected.grid) and found.remarks == expected.remarks == ()


def test_music_played_by_hand_is_refused_as_such(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    parts = []
    for pitch in FOUR:
        shifts = random.integers(-40, 41, (32, 2))
        pairs = zip(quarters(pitch), shifts, strict=True)
        parts.append([(max(a + int(x), 0), b + int(y), p) for (a, b, p), (x, y) in pairs])
    with pytest.raises(ScoreError, match=r"of 128 notes lie off the sixteenths: triplets, or played by hand"):
        read_parts(played(tmp_path / "a.mid", *parts))


@pytest.mark.parametrize("shift", [-15, 15])
def test_up_to_an_eighth_of_a_sixteenth_is_on_the_grid_and_more_is_counted(shift: int, tmp_path: Path) -> None:
    for further, remarks in ((0, ()), (1, ("1 of 128 notes rounded to sixteenths",))):
        parts = [quarters(pitch) for pitch in FOUR]
        onset, _, pitch = parts[0][5]
        # half as long, so that its onset and its end are its own
        parts[0][4] = (4 * 480, 4 * 480 + 240, 70)
        parts[0][5] = (onset + shift + (further if shift > 0 else -further), onset + 240, pitch)
        found = read_parts(played(tmp_path / "a.mid", *parts))
        assert found.remarks == remarks
        assert decode(found.grid)[0][5] == PartNote(20, 22, pitch)


def test_a_written_out_run_of_thirty_seconds_is_counted(tmp_path: Path) -> None:
    parts = [quarters(pitch) for pitch in FOUR]
    parts[0][8:9] = [(8 * 480 + 60 * place, 8 * 480 + 60 * place + 60, 76 - place % 2) for place in range(8)]
    found = read_parts(played(tmp_path / "a.mid", *parts))
    assert found.remarks == ("8 of 135 notes rounded to sixteenths", "4 notes too short for the grid left out")


def test_channels_of_one_track_are_parts_each(tmp_path: Path) -> None:
    parts = [quarters(pitch) for pitch in FOUR]
    # a unison is two notes, each in its part
    parts[1][3] = parts[0][3]
    one = read_parts(played(tmp_path / "one.mid", *parts, one_track=True))
    assert np.array_equal(one.grid, read_parts(played(tmp_path / "many.mid", *parts)).grid)
    assert [notes[3].pitch for notes in decode(one.grid)] == [72, 72, 57, 48]


def test_two_notes_at_once_in_midi_are_refused(tmp_path: Path) -> None:
    parts = [quarters(pitch) for pitch in FOUR]
    parts[2].append((960, 1440, 62))
    with pytest.raises(ScoreError, match="part 3 has two notes at once"):
        read_parts(played(tmp_path / "a.mid", *parts))


def test_percussion_and_other_meters_in_midi_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="percussion"):
        read_parts(played(tmp_path / "a.mid", *[quarters(pitch) for pitch in (*FOUR, *FOUR, *FOUR)]))
    file = mido.MidiFile(played(tmp_path / "b.mid", *[quarters(pitch) for pitch in FOUR]))
    file.tracks[0].insert(0, mido.MetaMessage("time_signature", numerator=3, denominator=4))
    file.save(tmp_path / "b.mid")
    with pytest.raises(ScoreError, match="meter 3/4, not 4/4"):
        read_parts(tmp_path / "b.mid")


def test_empty_parts_are_left_out_where_fewer_than_four_will_do(tmp_path: Path) -> None:
    rests, melody = [meter.TimeSignature("4/4"), note.Rest(quarterLength=4)], note.Note(72, quarterLength=4)
    path = saved(tmp_path, score(rests, [meter.TimeSignature("4/4"), melody], rests.copy(), rests.copy()))
    found = read_parts(path, 1, 3)
    assert decode(found.grid) == [[PartNote(0, 16, 72)]] and found.remarks == ("3 empty parts left out",)
    with pytest.raises(ScoreError, match="part 1 has no notes"):
        read_parts(path)
    with pytest.raises(ScoreError, match="part 1 has no notes"):
        read_parts(saved(tmp_path, score(rests, rests.copy())), 1, 3)


@pytest.mark.parametrize(
    ("least", "most", "wanted"), [(4, 4, "in 4 parts"), (1, 3, "in 1 to 3 parts"), (1, 1, "1 part,")]
)
def test_the_cure_says_how_many_parts_are_asked_for(least: int, most: int, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError) as refused:
        read_parts(played(tmp_path / "a.mid", *[quarters(pitch) for pitch in (*FOUR, 40)]), least, most)
    assert wanted in refused.value.cure


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


@given(st.lists(any_notes(64, 24), min_size=2, max_size=2).filter(all))
def test_polyphonic_midi_comes_back(tmp_path_factory: pytest.TempPathFactory, voices: list[list[PartNote]]) -> None:
    roll = encode_roll(voices, 64)
    path = tmp_path_factory.mktemp("midi") / "score.mid"
    path.write_bytes(midi_of(roll))
    means = [np.mean([one.pitch for one in notes]) for notes in voices]
    read = read_parts(path, 2, 2, "polyphonic").grid
    expected = roll if means[0] >= means[1] else roll[:, ::-1]
    assert np.array_equal(read, expected[: len(read)]) and not expected[len(read) :].any()


def test_chords_and_their_ties_are_read_note_by_note(tmp_path: Path) -> None:
    # quarters and pitches of each, and of these the ones that are tied from before and to what follows
    written = [
        [(2, {60: "start", 64: ""}), (2, {60: "continue", 67: ""}), (4, {60: "stop", 69: ""})],
        [(2, {41: ""}), (2, {43: "start"}), (1, {43: "stop"}), (3, {45: "", 48: ""})],
    ]
    score: stream.Score = stream.Score()
    for elements in written:
        part: stream.Part = stream.Part([meter.TimeSignature("2/2")])
        for quarters, pitches in elements:
            part.append(chord.Chord(list(pitches), quarterLength=quarters))
            for single, kind in zip(part.notes.last().notes, pitches.values(), strict=True):
                single.tie = tie.Tie(kind) if kind else None
        score.insert(0, part)
    path = Path(score.write("musicxml", tmp_path / "chords.musicxml"))
    upper, lower = decode_roll(read_parts(path, 2, 2, "polyphonic").grid)
    assert upper == [PartNote(0, 32, 60), PartNote(0, 8, 64), PartNote(8, 16, 67), PartNote(16, 32, 69)]
    assert lower == [PartNote(0, 8, 41), PartNote(8, 20, 43), PartNote(20, 32, 45), PartNote(20, 32, 48)]
    with pytest.raises(ScoreError, match="meter 2/2"):
        read_parts(path, 2, 2)
