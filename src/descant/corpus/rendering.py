"""Scores to sound: notes out of a score, played by a SoundFont piano. Slow to import, because of music21."""

import importlib.util
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tinysoundfont
from music21 import converter, harmony, stream
from music21.exceptions21 import Music21Exception
from tinysoundfont.midi import Event, NoteOff, NoteOn

from descant.audio.files import to_mono, write_flac
from descant.errors import CorpusError

SOUNDFONT = "TimGM6mb.sf2"
GRAND_PIANO = 0
CHUNK = 1024
TAIL_SECONDS = 1.5
FADE_SECONDS = 0.01
PEAK = 0.7
# The first part carries the tune in every piece of the list; 12 steps of velocity bring it out
TUNE_VELOCITY = 84
OTHER_VELOCITY = 72


@dataclass(frozen=True, order=True)
class Note:
    """One key pressed and let go.

    Attributes:
        onset: seconds.
        pitch: MIDI number.
        end: seconds.
        velocity: 1 to 127.
    """

    onset: float
    pitch: int
    end: float
    velocity: int


def read_notes(path: Path, quarters_per_minute: float) -> tuple[Note, ...]:
    """Read the notes of a score, with repeats played and ties joined; grace notes, which last 0, are dropped.

    Args:
        path: of any file that music21 reads.
        quarters_per_minute: constant tempo.

    Returns:
        Notes in order of onset.

    Raises:
        CorpusError: when the score cannot be read or has no note.
    """
    cure = "take the piece off the list"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # forceSource: music21 would otherwise read pickles that it left in the temporary folder
            parsed = converter.parseFile(path, forceSource=True)
            score = _unfold(parsed)
            parts: list[stream.Stream[Any]] = list(score.getElementsByClass(stream.Part)) or [score]
            notes = [note for n, part in enumerate(parts) for note in _part_notes(part, n == 0, quarters_per_minute)]
    except Exception as error:
        # music21's parsers raise whatever a bad file makes them trip over; some name the whole path
        told = str(error).replace(str(path), path.name)
        raise CorpusError(f"the score cannot be read: {told}", cure) from error
    if not notes:
        raise CorpusError("the score has no notes", cure)
    return resolve_unisons(notes)


def _unfold(score: stream.Stream[Any]) -> stream.Stream[Any]:
    try:
        return score.expandRepeats()
    except Music21Exception:
        # a repeat without a beginning, as in many first strains: played once through
        return score


def _part_notes(part: stream.Stream[Any], is_tune: bool, quarters_per_minute: float) -> Iterator[Note]:
    seconds = 60.0 / quarters_per_minute
    velocity = TUNE_VELOCITY if is_tune else OTHER_VELOCITY
    for element in part.stripTies().flatten().notes:
        if isinstance(element, harmony.Harmony) or element.quarterLength <= 0:
            continue
        onset = float(element.offset) * seconds
        end = onset + float(element.quarterLength) * seconds
        for pitch in element.pitches:
            yield Note(onset, int(pitch.midi), end, velocity)


def resolve_unisons(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Let one key do one thing at a time, as on a keyboard.

    Of notes on one key that begin together the longest stays, as loud as the loudest; a note still held when its
    key is struck again ends there.

    Args:
        notes: in any order.

    Returns:
        Notes in order of onset, none overlapping another of its pitch, none of length 0.
    """
    keys: dict[int, list[Note]] = {}
    for note in sorted(notes):
        key = keys.setdefault(note.pitch, [])
        if key and key[-1].onset == note.onset:
            velocity = max(key[-1].velocity, note.velocity)
            key[-1] = replace(key[-1], end=max(key[-1].end, note.end), velocity=velocity)
        else:
            if key:
                key[-1] = replace(key[-1], end=min(key[-1].end, note.onset))
            key.append(note)
    return tuple(sorted(note for key in keys.values() for note in key if note.end > note.onset))


def play(notes: Iterable[Note], rate: int, frames: int) -> Iterator[npt.NDArray[np.float32]]:
    """Play notes on the SoundFont's grand piano.

    Args:
        notes: as :func:`resolve_unisons` leaves them.
        rate: Hz.
        frames: how long to play, samples.

    Yields:
        float32 stereo ``(frames, 2)``, of the synthesiser's own loudness.

    Raises:
        CorpusError: when the SoundFont is not installed.
    """
    synth = tinysoundfont.Synth(samplerate=rate)
    synth.sfload(str(soundfont()))
    synth.program_change(0, GRAND_PIANO)
    # a key let go and struck at one moment must be let go first
    events = sorted(
        [event for note in notes for event in ((note.onset, 1, note), (note.end, 0, note))],
        key=lambda event: event[:2],
    )
    sequencer = tinysoundfont.Sequencer(synth)
    sequencer.add(
        [
            Event(NoteOn(note.pitch, note.velocity) if is_on else NoteOff(note.pitch), t=time, persistent=False)
            for time, is_on, note in events
        ]
    )
    for start in range(0, frames, CHUNK):
        # generate() drives the sequencer itself; to call process() as well would double the tempo
        count = min(CHUNK, frames - start)
        yield np.frombuffer(synth.generate(count), dtype=np.float32).reshape(count, 2)


def soundfont() -> Path:
    """The SoundFont that comes with pretty_midi, found without importing that package.

    Raises:
        CorpusError: when it is not installed.
    """
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / SOUNDFONT).is_file():
            return path
    raise CorpusError(f"the SoundFont {SOUNDFONT} is not installed", "install pretty_midi, which brings it")


def render(path: Path, quarters_per_minute: float, max_seconds: float, rate: int, output: Path) -> None:
    """Render a score to a mono FLAC file; the same score gives the same bytes.

    The piece ends with a short tail after its last note, or at ``max_seconds``, and fades out over 10 ms. It is
    played twice, once to find its peak, so that memory stays constant.

    Args:
        path: of the score.
        quarters_per_minute: constant tempo.
        max_seconds: longest rendering.
        rate: Hz.
        output: FLAC file to write.

    Raises:
        CorpusError: when the score cannot be read or is silent, or the SoundFont is missing.
        AudioFileError: when the file cannot be written.
    """
    notes = read_notes(path, quarters_per_minute)
    end = max(note.end for note in notes) + TAIL_SECONDS
    frames = math.ceil(min(end, max_seconds) * rate)
    peak = max(float(np.abs(to_mono(block)).max()) for block in play(notes, rate, frames))
    if peak <= 0:
        raise CorpusError("the score gives no sound", "take the piece off the list")
    gain = np.float32(PEAK / peak)
    write_flac(output, fade_out((to_mono(block) * gain for block in play(notes, rate, frames)), frames, rate), rate, 1)


def fade_out(blocks: Iterable[npt.NDArray[np.float32]], frames: int, rate: int) -> Iterator[npt.NDArray[np.float32]]:
    """Fade the last 10 ms linearly to 0.

    Args:
        blocks: mono, each ``(frames,)``.
        frames: of all blocks together.
        rate: Hz.

    Yields:
        float32 blocks of the same shapes.
    """
    fade = max(1, round(FADE_SECONDS * rate))
    position = 0
    for block in blocks:
        remaining = frames - 1 - np.arange(position, position + len(block))
        position += len(block)
        yield (block * np.minimum(1.0, remaining / fade)).astype(np.float32)
