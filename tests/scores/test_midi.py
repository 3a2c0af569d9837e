import io
import struct
from collections.abc import Iterable

import mido
import pretty_midi
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreError
from descant.scores.midi import MAX_BYTES, is_midi, read_midi
from descant.scores.notes import PERCUSSION

Message = mido.Message


def on(pitch: int, time: int = 0, channel: int = 0, velocity: int = 80) -> mido.Message:
    return Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> mido.Message:
    return Message("note_off", note=pitch, time=time, channel=channel)


def pedal(value: int, time: int = 0, channel: int = 0) -> mido.Message:
    return Message("control_change", control=64, value=value, time=time, channel=channel)


def midi(*tracks: Iterable[object], kind: int = 1) -> bytes:
    file = mido.MidiFile(type=kind, ticks_per_beat=480)
    for track in tracks:
        file.tracks.append(mido.MidiTrack(track))
    file.save(file=(buffer := io.BytesIO()))
    return buffer.getvalue()


PLAIN = midi([on(60), off(60, 480)])


def spans(content: bytes) -> list[tuple[float, float, int]]:
    return [(round(note.onset, 9), round(note.end, 9), note.pitch) for note in read_midi(content)]


EVENTS = st.lists(
    st.tuples(st.sampled_from(["on", "off", "program", "tempo"]), st.integers(0, 300), st.integers(40, 44)), max_size=60
)


def track_of(events: list[tuple[str, int, int]], channel: int) -> list[object]:
    """What all parsers read alike: no key is struck twice, no program changes under a held key."""
    track: list[object] = []
    down: set[int] = set()
    for what, time, value in events:
        if what == "on" and value not in down:
            track.append(on(value, time, channel))
            down.add(value)
        elif what == "off" and value in down:
            track.append(off(value, time + 1, channel))
            down.remove(value)
        elif what == "program" and not down:
            track.append(Message("program_change", program=value + 10 * channel, time=time, channel=channel))
        elif what == "tempo" and channel == 0:
            track.append(mido.MetaMessage("set_tempo", tempo=value * 10_000, time=time))
    return [Message("program_change", program=channel, channel=channel), *track, *(off(p, 240, channel) for p in down)]


@given(EVENTS, EVENTS)
def test_two_other_parsers_read_the_same_notes(
    first: list[tuple[str, int, int]], second: list[tuple[str, int, int]]
) -> None:
    content = midi(track_of(first, 0), track_of(second, 1))
    instruments = pretty_midi.PrettyMIDI(io.BytesIO(content)).instruments
    wanted = sorted((n.start, n.pitch, n.end, n.velocity, part.program) for part in instruments for n in part.notes)
    score = symusic.Score.from_midi(content).to("quarter")
    quarters = sorted((note.time, note.pitch, note.end, part.program) for part in score.tracks for note in part.notes)
    if not wanted:
        with pytest.raises(ScoreError, match="no notes"):
            read_midi(content)
        return
    notes = read_midi(content)
    assert [(n.onset, n.pitch, n.end, n.velocity, n.program) for n in notes] == [
        (pytest.approx(start), pitch, pytest.approx(end), velocity, program)
        for start, pitch, end, velocity, program in wanted
    ]
    assert sorted((n.onset_quarters, n.pitch, n.end_quarters, n.program) for n in notes) == [
        (pytest.approx(start, abs=1e-5), pitch, pytest.approx(end, abs=1e-5), program)
        for start, pitch, end, program in quarters
    ]


def test_the_pedal_holds_until_it_is_let_go_or_the_key_is_struck_again() -> None:
    held = [pedal(127), on(60), off(60, 240), on(62), off(62, 240), on(60), off(60, 240), pedal(0, 240)]
    assert spans(midi(held)) == [(0, 0.5, 60), (0.25, 1.0, 62), (0.5, 1.0, 60)]
    # the pedal is the channel's, in whatever track it stands
    assert spans(midi([pedal(127), pedal(0, 960)], [on(60), off(60, 240)])) == [(0, 1.0, 60)]
    assert spans(midi([pedal(127, channel=3), pedal(0, 960, channel=3)], [on(60), off(60, 240)])) == [(0, 0.25, 60)]
    # never let go: to the end of what happens
    assert spans(midi([pedal(64), on(60), off(60, 240), on(65, 240), off(65, 480)])) == [(0, 1.0, 60), (0.5, 1.0, 65)]
    for stop in (120, 123):
        silenced = [on(60), Message("control_change", control=stop, value=0, time=480), off(60, 480)]
        assert spans(midi(silenced)) == [(0, 0.5, 60)]


def test_tempo_changes_under_a_note() -> None:
    tempos = [mido.MetaMessage("set_tempo", tempo=1_000_000), mido.MetaMessage("set_tempo", tempo=250_000, time=480)]
    assert spans(midi(tempos, [on(60), off(60, 960)])) == [(0, 1.25, 60)]


def test_notes_that_never_end_or_last_nothing_are_left_out() -> None:
    assert spans(midi([on(60), off(60), on(62), off(62, 480), on(64)])) == [(0, 0.5, 62)]
    with pytest.raises(ScoreError, match="no notes"):
        read_midi(midi([on(60), off(60)]))


def test_percussion_is_a_program_of_its_own_and_its_strokes_sound() -> None:
    strokes = [on(38, channel=9), off(38, channel=9), on(42, 480, channel=9)]
    strokes += [on(60, channel=1), off(60, 480, channel=1)]
    notes = read_midi(midi(strokes))
    assert [(n.pitch, n.program) for n in notes] == [(38, PERCUSSION), (42, PERCUSSION), (60, 0)]
    assert [round(n.end - n.onset, 9) for n in notes] == [0.1, 0.1, 0.5]


def test_smpte_time_counts_frames() -> None:
    content = bytearray(PLAIN)
    content[12:14] = bytes([256 - 25, 40])
    (note,) = read_midi(bytes(content))
    assert note.end == pytest.approx(480 / 1000) and note.end_quarters == pytest.approx(0.96)


def test_files_in_riff_and_with_foreign_chunks_are_read() -> None:
    riff = b"RIFF" + struct.pack("<I", len(PLAIN) + 12) + b"RMIDdata" + struct.pack("<I", len(PLAIN)) + PLAIN
    foreign = PLAIN[:14] + b"XFIH" + struct.pack(">I", 4) + b"abcd" + PLAIN[14:] + b"XFKM" + struct.pack(">I", 0)
    assert spans(PLAIN) == spans(riff) == spans(foreign) == [(0, 0.5, 60)]
    assert is_midi(riff[:20]) and is_midi(PLAIN) and not is_midi(b"RIFFxxxxWAVE") and not is_midi(b"")
    assert spans(midi([], [], [on(60), off(60, 480)])) == [(0, 0.5, 60)]
    assert spans(midi([on(60), off(60, 480)], kind=2)) == [(0, 0.5, 60)]


SECOND = [on(64), off(64, 480)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no header"),
        (b"hello world" * 10, "no header"),
        (b"RIFF\0\0\0\0RMIDdata", "no header"),
        (PLAIN[:-6], "cut short, in track 1"),
        (midi([on(60), off(60, 480)], SECOND)[:-20], "cut short"),
        (PLAIN[:14], "0 of its 1 tracks"),
        (b"MThd" + b"\xff" * 40, "damaged|cut short"),
        (PLAIN[:12] + b"\0\0" + PLAIN[14:], "0 ticks a quarter"),
        (PLAIN[:12] + b"\xe7\0" + PLAIN[14:], "no ticks a frame"),
        (midi([on(60), off(60, 480)], SECOND, kind=2), "several songs"),
        (midi(), "no notes"),
        (midi([mido.MetaMessage("text", text="la")]), "no notes"),
        (PLAIN[:-4] + b"\0\xff\x59\x7f", "damaged"),
        (PLAIN + b"\0" * MAX_BYTES, "4 MiB are the most"),
    ],
)
def test_bad_files_are_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ScoreError, match=reason):
        read_midi(content)


@given(st.binary(max_size=60), st.integers(0, len(PLAIN)))
def test_no_bytes_crash_the_reader(noise: bytes, place: int) -> None:
    for content in (noise, PLAIN[:place] + noise + PLAIN[place:], PLAIN[:22] + noise):
        try:
            read_midi(content)
        except ScoreError as error:
            assert error.problem and error.cure
