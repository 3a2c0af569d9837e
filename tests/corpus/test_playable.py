"""What a keyboard plays of scores, and what it refuses of hostile ones."""

import io
import time
from collections.abc import Iterable
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.corpus import playable as module
from descant.corpus.playable import MAX_HOURS, beginning, on_keyboard, playable, roll_of
from descant.errors import ScoreError
from descant.scores.midi import read_midi
from descant.scores.notes import PERCUSSION, Note

REPEATED = """<?xml version="1.0"?><score-partwise version="3.1">
<part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1"><measure number="1">
<attributes><divisions>1</divisions></attributes>
<barline location="left"><repeat direction="forward"/></barline>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>
<barline location="right"><repeat direction="backward" times="100000000"/></barline>
</measure></part></score-partwise>"""


def on(pitch: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=80, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, time=time, channel=channel)


def midi(track: Iterable[object], ticks: int = 480) -> bytes:
    file = mido.MidiFile(ticks_per_beat=ticks, tracks=[mido.MidiTrack(track)])
    file.save(file=(buffer := io.BytesIO()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("track", "ticks", "reason"),
    [
        ([on(5), off(5, 480), on(120), off(120, 480)], 480, "no note from 21 to 108"),
        ([on(38, channel=9), off(38, 240, 9)], 480, "percussion only"),
        ([on(60, 480 * 2 * 36_000), off(60, 480)], 480, "lasts 10 hours, and its first note is at 10; 6 hours"),
        # the slowest tempo, the longest rest, and a tick as long as a quarter: 142 years
        ([mido.MetaMessage("set_tempo", tempo=0xFFFFFF), on(60, 0xFFFFFFF), off(60, 1)], 1, "lasts 1.25e\\+06 hours"),
    ],
)
def test_what_there_is_nothing_to_play_of_is_refused_by_name(track: list[object], ticks: int, reason: str) -> None:
    with pytest.raises(ScoreError, match=f"a song.mid .*{reason}") as refused:
        on_keyboard(read_midi(midi(track, ticks)), "a song.mid")
    assert refused.value.cure


def test_a_thousand_notes_at_once_are_one_on_each_key() -> None:
    keys = [(pitch, channel) for channel in range(12) if channel != 9 for pitch in range(19, 111)]
    track = [*(on(pitch, 0, channel) for pitch, channel in keys), off(60, 480)]
    track += [off(pitch, 0, channel) for pitch, channel in keys]
    notes = on_keyboard(read_midi(midi(track)), "a.mid")
    assert len(keys) > 1000 and sorted(note.pitch for note in notes) == list(range(21, 109))


NOTES = st.tuples(
    st.floats(0, 2e4), st.floats(0, 4e3), st.integers(0, 127), st.integers(1, 127), st.integers(0, PERCUSSION)
)


@given(st.lists(NOTES, max_size=12))
def test_notes_are_a_roll_of_bounded_length_or_refused(written: list[tuple[float, float, int, int, int]]) -> None:
    score = [
        Note(onset, pitch, onset + length, loudness, program) for onset, length, pitch, loudness, program in written
    ]
    try:
        notes = on_keyboard(score, "a.mid")
    except ScoreError as error:
        assert error.problem.startswith("a.mid ") and error.cure
        return
    end = max(note.end for note in notes)
    assert end <= 3600 * MAX_HOURS and all(note.program == 0 and 21 <= note.pitch <= 108 for note in notes)
    # at a rate at which six hours are few frames
    blocks = list(roll_of(notes, int(end) + 2, 1.0))
    assert sum(map(len, blocks)) == int(end) + 2 and np.any([block.any() for block in blocks])


def test_a_pickup_is_played_from_its_first_note_on() -> None:
    # a key that no piano has is no first note
    written = [Note(1.0, 5, 1.5, 80), Note(2.0, 60, 4.0, 80), Note(2.5, 64, 3.0, 80)]
    played = on_keyboard(written, "a.mid", 0.75, from_first_note=True)
    assert [(note.onset, note.pitch, note.end) for note in played] == [(0.0, 60, 0.75), (0.5, 64, 0.75)]
    assert on_keyboard(written, "a.mid") == written[1:]


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a song.musicxml"
    path.write_bytes(b"")
    with pytest.raises(ScoreError, match=r"a song.musicxml: the score cannot be read: no element found") as refused:
        playable(path)
    assert "save it again" in refused.value.cure
    path = tmp_path / "song.mid"
    path.write_bytes(midi([on(60), off(60, 480), on(110), off(110, 480)]))
    assert [(note.pitch, note.end) for note in playable(path)] == [(60, 0.5)]


def test_reading_ends_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "repeats.musicxml"
    path.write_text(REPEATED)
    monkeypatch.setattr(module, "READ_SECONDS", 6.0)
    start = time.monotonic()
    with pytest.raises(ScoreError, match=r"repeats.musicxml: took longer than 0.1 min") as refused:
        playable(path)
    assert time.monotonic() - start < 30 and "choose another score" in refused.value.cure


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 20), st.integers(21, 108)), min_size=1, max_size=20),
    st.floats(0.1, 60),
)
def test_a_beginning_has_what_begins_in_it_and_nothing_after_it(
    placed: list[tuple[float, float, int]], seconds: float
) -> None:
    notes = [Note(onset, pitch, onset + length, 80) for onset, length, pitch in placed]
    assert beginning(notes, None) == notes
    inside = [note for note in notes if note.onset < seconds]
    if not inside:
        with pytest.raises(ScoreError, match="the first note begins at"):
            beginning(notes, seconds)
        return
    kept = beginning(notes, seconds)
    assert [(note.onset, note.pitch) for note in kept] == [(note.onset, note.pitch) for note in inside]
    assert all(note.onset < note.end <= seconds for note in kept)
