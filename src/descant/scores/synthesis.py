"""Notes to sound: a SoundFont player that gives the same samples for the same notes, block by block."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import libsonare
import numpy as np
import numpy.typing as npt

from descant.errors import ScoreError
from descant.scores.notes import PERCUSSION, Note
from descant.scores.soundfont import read_soundfont

BLOCK_FRAMES = 1024
PERCUSSION_CHANNEL = 9
REVERB_SEND, CHORUS_SEND = 91, 93
# the library's own limits; of more voices in one player the oldest are cut
PLAYERS, VOICES = 16, 64
# of more than some hundred at one frame the player drops some, and notes hang; so the rest come a frame later
EVENTS_AT_ONCE = 64


class _Place(NamedTuple):
    """Which player a program is on, and on which of its channels."""

    player: int
    channel: int


class _Event(NamedTuple):
    """A key that goes down or up; up comes first where both happen at one frame."""

    frame: int
    is_on: bool
    place: _Place
    pitch: int
    velocity: int


def play(notes: Iterable[Note], soundfont: Path, rate: int, frames: int) -> Iterator[npt.NDArray[np.float32]]:
    """Play notes on a SoundFont, dry: without reverberation and chorus.

    Programs share 16 players of 64 voices each. An onset falls on the nearest frame. Memory does not grow with
    ``frames``; a note that never ends is cut where they do.

    Args:
        notes: as :func:`~descant.scores.notes.resolve_unisons` leaves them.
        soundfont: an SF2 file.
        rate: Hz.
        frames: how long to play, samples.

    Yields:
        float32 stereo ``(frames, 2)``, of the player's own loudness.

    Raises:
        ScoreError: when the SoundFont cannot be read or has no such program.
    """
    notes = tuple(notes)
    programs = sorted({note.program for note in notes})
    content = read_soundfont(soundfont, programs)
    places = {program: _place(number, program) for number, program in enumerate(programs)}
    events = _events(notes, rate, places)
    with libsonare.RealtimeEngine(rate, BLOCK_FRAMES, command_capacity=1 << 16, max_channels=2) as engine:
        try:
            engine.load_soundfont(content)
        except libsonare.SonareError as error:
            raise ScoreError(f"the SoundFont {soundfont.name} cannot be played: {error}", "take another") from error
        for player in range(min(PLAYERS, len(programs))):
            engine.set_sf2_instrument(libsonare.Sf2InstrumentConfig(polyphony=VOICES), player)
        for program, (player, channel) in places.items():
            engine.push_midi_program(player, 0, channel, _preset(program))
            for send in (REVERB_SEND, CHORUS_SEND):
                engine.push_midi_cc(player, 0, channel, send, 0)
        engine.play()
        silence = np.zeros((2, BLOCK_FRAMES), dtype=np.float32)
        done = 0
        for start in range(0, frames, BLOCK_FRAMES):
            position, stop, parts = start, min(start + BLOCK_FRAMES, frames), []
            # up to the next event, as events that are dated ahead may be dropped where there are many
            while position < stop:
                last = done + EVENTS_AT_ONCE
                while done < min(last, len(events)) and events[done].frame <= position:
                    _push(engine, events[done])
                    done += 1
                until = min(stop, max(position + 1, events[done].frame)) if done < len(events) else stop
                parts.append(np.array(engine.process(silence[:, : until - position]), dtype=np.float32))
                position = until
            yield np.ascontiguousarray(np.concatenate(parts, axis=1).T)


def _place(number: int, program: int) -> _Place:
    # nine pitched programs a player at most, on the channels before that of percussion
    return _Place(number % PLAYERS, PERCUSSION_CHANNEL if program == PERCUSSION else number // PLAYERS)


def _preset(program: int) -> int:
    return 0 if program == PERCUSSION else program


def _events(notes: Iterable[Note], rate: int, places: Mapping[int, _Place]) -> list[_Event]:
    events = []
    for note in notes:
        onset, place = round(note.onset * rate), places[note.program]
        events.append(_Event(onset, True, place, note.pitch, note.velocity))
        if math.isfinite(note.end):
            events.append(_Event(max(onset + 1, round(note.end * rate)), False, place, note.pitch, 0))
    return sorted(events)


def _push(engine: libsonare.RealtimeEngine, event: _Event) -> None:
    player, channel = event.place
    if event.is_on:
        engine.push_midi_note_on(player, 0, channel, event.pitch, event.velocity)
    else:
        engine.push_midi_note_off(player, 0, channel, event.pitch)
