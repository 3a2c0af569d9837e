"""Standard MIDI files (RP-001) to notes: tempo, sustain pedal, programs and percussion are followed, nothing else.

Volume, expression, pan and pitch bends are passed over, so that the notes are all there is to know of the sound.
"""

import io
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import mido
from mido.midifiles.meta import KeySignatureError

from descant.errors import ScoreError
from descant.scores.notes import PERCUSSION, Note, resolve_unisons

# ours: 1.4 million messages at most, some hundred megabytes of them; a symphony has 200 KiB
MAX_BYTES = 4 << 20
DEFAULT_TEMPO = 500_000
SUSTAIN, SOUND_OFF, RESET, NOTES_OFF = 64, 120, 121, 123
PERCUSSION_CHANNEL = 9
# a stroke rings by itself, and many files let it go as soon as it is struck; ours
STROKE_SECONDS = 0.1
HEADER_BYTES = 14


@dataclass(frozen=True)
class _Stroke:
    """A key pressed: when, how hard, on what, in which part."""

    tick: int
    velocity: int
    program: int
    voice: int


@dataclass
class _Channel:
    """What a channel is at: its program, its pedal, and the keys that are down or held by the pedal."""

    program: int = 0
    is_held: bool = False
    down: dict[int, deque[_Stroke]] = field(default_factory=dict)
    held: dict[int, _Stroke] = field(default_factory=dict)


def is_midi(head: bytes) -> bool:
    """Whether a file that begins so is a MIDI file, by itself or in RIFF."""
    return head[:4] == b"MThd" or (head[:4] == b"RIFF" and head[8:12] == b"RMID")


def read_midi(content: bytes) -> tuple[Note, ...]:
    """Read the notes of a MIDI file of type 0 or 1, as RMID too.

    A note lasts until its key is let go, or until the sustain pedal is, where that is later. A note that is never let
    go is left out, as is one of length 0. Channel 10 is percussion: its program is :data:`PERCUSSION`, its strokes
    last at least 0.1 s. With SMPTE time, score time is counted at 120 quarters a minute.

    Args:
        content: of the file.

    Returns:
        Notes as :func:`~descant.scores.notes.resolve_unisons` leaves them.

    Raises:
        ScoreError: when it is no MIDI file, is cut short or damaged, holds several songs, or has no note.
    """
    file = _parse(content)
    seconds, quarters = _clocks(file)
    notes = []
    for pitch, stroke, tick in _sounding(_in_order(file)):
        onset, end = seconds(stroke.tick), seconds(tick)
        ends = quarters(tick)
        if stroke.program == PERCUSSION and end - onset < STROKE_SECONDS:
            end = onset + STROKE_SECONDS
        if end > onset:
            begins = quarters(stroke.tick)
            notes.append(Note(onset, pitch, end, stroke.velocity, stroke.program, stroke.voice, begins, ends))
    resolved = resolve_unisons(notes)
    if not resolved:
        raise ScoreError("the MIDI file has no notes", "choose another score")
    return resolved


@dataclass(frozen=True)
class MidiParts:
    """A MIDI file as it is written: what each hand presses, and nothing of how it sounds.

    Attributes:
        meters: time signatures, as ``4/4``; MIDI's own, ``4/4``, where there are none.
        parts: of each track and channel that has notes, in the file's order: onset and end in quarter notes, and the
            MIDI pitch.
    """

    meters: frozenset[str]
    parts: tuple[tuple[tuple[float, float, int], ...], ...]


def read_midi_parts(content: bytes) -> MidiParts:
    """Read a MIDI file of type 0 or 1, as RMID too, as parts: one for each track and channel.

    Pedals are passed over. A note that is never let go has length 0.

    Args:
        content: of the file.

    Raises:
        ScoreError: when it is no MIDI file, is cut short or damaged, holds several songs, or has percussion.
    """
    file = _parse(content)
    _, quarters = _clocks(file)
    keys = [item for item in _in_order(file) if item[-1].type in ("note_on", "note_off")]
    parts: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
    # by track, since two tracks on one channel may hold one key at once, each for itself
    for track, messages in groupby(sorted(keys, key=lambda item: item[1]), key=lambda item: item[1]):
        for pitch, stroke, tick in _sounding(list(messages)):
            if stroke.program == PERCUSSION:
                raise ScoreError("a part of percussion, on channel 10", "leave it out")
            parts.setdefault((track, stroke.voice), []).append((quarters(stroke.tick), quarters(tick), pitch))
    metas = [message for track in file.tracks for message in track if message.type == "time_signature"]
    meters = frozenset(f"{message.numerator}/{message.denominator}" for message in metas)
    return MidiParts(meters or frozenset({"4/4"}), tuple(tuple(sorted(notes)) for _, notes in sorted(parts.items())))


def _parse(content: bytes) -> Any:
    if len(content) > MAX_BYTES:
        problem = f"a MIDI file of {len(content) / 2**20:.1f} MiB; {MAX_BYTES >> 20} MiB are the most"
        raise ScoreError(problem, "split it into songs")
    chunks = _music_chunks(content)
    kind, division = int.from_bytes(chunks[8:10]), int.from_bytes(chunks[12:14])
    if kind == 2 and chunks.count(b"MTrk") > 1:
        raise ScoreError("a MIDI file of type 2, which holds several songs", "save each song in a file of its own")
    if kind > 2 or not division:
        raise ScoreError(f"a damaged MIDI header: type {kind}, {division} ticks a quarter", "save it again")
    try:
        return mido.MidiFile(file=io.BytesIO(chunks), clip=True)
    except KeySignatureError as error:
        raise ScoreError(f"a damaged MIDI file: {error}", "save it again") from error
    except EOFError as error:
        raise ScoreError("a damaged MIDI file: a track ends in the middle of an event", "save it again") from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ScoreError(f"a damaged MIDI file: {error}", "save it again") from error


def _music_chunks(content: bytes) -> bytes:
    """The header and the tracks: out of RIFF where they are in it, and without chunks of other kinds."""
    if content[:4] == b"RIFF":
        begin = content.find(b"MThd")
        content = content[begin:] if begin >= 0 else b""
    if content[:4] != b"MThd" or len(content) < HEADER_BYTES:
        raise ScoreError("not a MIDI file: it has no header", "save it as MIDI, or choose another score")
    header_end = 8 + int.from_bytes(content[4:8])
    promised = int.from_bytes(content[10:12])
    tracks: list[bytes] = []
    place = header_end
    while place + 8 <= len(content) and len(tracks) < promised:
        end = place + 8 + int.from_bytes(content[place + 4 : place + 8])
        if content[place : place + 4] == b"MTrk":
            if end > len(content):
                raise ScoreError(f"a MIDI file that is cut short, in track {len(tracks) + 1}", "save it again")
            tracks.append(content[place:end])
        place = end
    if len(tracks) < promised:
        problem = f"a MIDI file that is cut short: {len(tracks)} of its {promised} tracks are there"
        raise ScoreError(problem, "save it again")
    header = b"MThd" + (6).to_bytes(4) + content[8:10] + len(tracks).to_bytes(2) + content[12:14]
    return header + b"".join(tracks)


class _TempoMap:
    """Seconds of a tick: a line for each tempo."""

    def __init__(self, tempos: Iterable[tuple[int, int]], ticks_per_quarter: int) -> None:
        self._ticks, self._seconds, self._slopes = [0], [0.0], [DEFAULT_TEMPO / 1e6 / ticks_per_quarter]
        for tick, tempo in tempos:
            self._seconds.append(self(tick))
            self._ticks.append(tick)
            self._slopes.append(tempo / 1e6 / ticks_per_quarter)

    def __call__(self, tick: int) -> float:
        n = bisect_right(self._ticks, tick) - 1
        return self._seconds[n] + (tick - self._ticks[n]) * self._slopes[n]


def _clocks(file: Any) -> tuple[Callable[[int], float], Callable[[int], float]]:
    """Two functions of a tick: seconds, and quarter notes."""
    division = file.ticks_per_beat
    if division < 0:
        # SMPTE: frames a second as a negative byte, then ticks a frame; -29 means 30 drop frame, 29.97 a second
        frames, ticks = -(division >> 8), division & 0xFF
        rate = (30000 / 1001 if frames == 29 else frames) * ticks
        if not rate:
            raise ScoreError("a damaged MIDI header: no ticks a frame", "save it again")
        return (lambda tick: tick / rate), (lambda tick: 2 * tick / rate)
    tempos = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo" and message.tempo:
                tempos.append((tick, message.tempo))
    return _TempoMap(sorted(tempos, key=lambda tempo: tempo[0]), division), lambda tick: tick / division


def _in_order(file: Any) -> list[tuple[int, int, int, Any]]:
    """Messages of channels by time: tick, track, port, message; at one tick in the file's order."""
    messages = []
    for number, track in enumerate(file.tracks):
        tick = port = 0
        for message in track:
            tick += message.time
            if message.type == "midi_port":
                port = message.port
            elif not message.is_meta and hasattr(message, "channel"):
                messages.append((tick, number, port, message))
    return sorted(messages, key=lambda item: item[0])


def _sounding(messages: Sequence[tuple[int, int, int, Any]]) -> Iterator[tuple[int, _Stroke, int]]:
    """Follow keys and pedals: the pitch of each note, its stroke, and the tick at which it ends."""
    channels: dict[tuple[int, int], _Channel] = {}
    voices: dict[tuple[int, int, int], int] = {}
    for tick, track, port, message in messages:
        channel = channels.setdefault((port, message.channel), _Channel())
        if message.type == "note_on" and message.velocity:
            voice = voices.setdefault((track, port, message.channel), len(voices))
            program = PERCUSSION if message.channel == PERCUSSION_CHANNEL else channel.program
            if held := channel.held.pop(message.note, None):
                yield message.note, held, tick
            stroke = _Stroke(tick, message.velocity, program, voice)
            channel.down.setdefault(message.note, deque()).append(stroke)
        elif message.type in ("note_on", "note_off"):
            yield from _let_go(channel, message.note, tick)
        elif message.type == "program_change":
            channel.program = message.program
        elif message.type == "control_change":
            yield from _control(channel, message.control, message.value, tick)
    for channel in channels.values():
        # the pedal is let go at the end of the file; of keys that never are, only strokes of percussion sound
        yield from ((pitch, stroke, messages[-1][0]) for pitch, stroke in channel.held.items())
        yield from ((pitch, stroke, stroke.tick) for pitch, strokes in channel.down.items() for stroke in strokes)


def _let_go(channel: _Channel, pitch: int, tick: int) -> Iterator[tuple[int, _Stroke, int]]:
    strokes = channel.down.get(pitch)
    if not strokes:
        return
    stroke = strokes.popleft()
    if not channel.is_held:
        yield pitch, stroke, tick
        return
    if before := channel.held.pop(pitch, None):
        yield pitch, before, tick
    channel.held[pitch] = stroke


def _control(channel: _Channel, control: int, value: int, tick: int) -> Iterator[tuple[int, _Stroke, int]]:
    if control == SUSTAIN:
        channel.is_held = value >= 64
    elif control == RESET:
        channel.is_held = False
    elif control in (SOUND_OFF, NOTES_OFF):
        for pitch in list(channel.down):
            while channel.down[pitch]:
                yield from _let_go(channel, pitch, tick)
    if not channel.is_held or control == SOUND_OFF:
        yield from ((pitch, stroke, tick) for pitch, stroke in channel.held.items())
        channel.held.clear()
