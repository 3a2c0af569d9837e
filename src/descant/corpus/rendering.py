"""Scores to sound: the notes of a file, played by a SoundFont. Slow to import, because of music21."""

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from descant.audio.files import to_mono, write_flac
from descant.config.corpus import RENDER_RATE, Scores
from descant.errors import ScoreError
from descant.scores import MIDI_SUFFIXES
from descant.scores.midi import MAX_BYTES, is_midi, read_midi
from descant.scores.notation import read_notation
from descant.scores.notes import Note, on_one_program, piece_digest
from descant.scores.soundfont import soundfont_file
from descant.scores.synthesis import play

TAIL_SECONDS = 1.5
FADE_SECONDS = 0.01
PEAK = 0.7
# as many keys as a pianist has fingers, C major from C2 up, and how they are struck; ours
CHORD = (36, 43, 48, 52, 55, 60, 64, 67, 72, 76)
CHORD_SECONDS = 2.0
LOUDEST = 127
READ_FRAMES = 1 << 16


@dataclass(frozen=True)
class Rendering:
    """What a rendering plays.

    Attributes:
        notes: those that begin before it ends, as they are played.
        piece: name of what is written, the same whatever plays it.
        remark: what people should know, or empty.
    """

    notes: tuple[Note, ...]
    piece: str
    remark: str


def read_score(path: Path, quarters_per_minute: float | None) -> tuple[Note, ...]:
    """Read the notes of a MIDI file, or of any that music21 reads; what it is, its first bytes or its suffix say.

    Args:
        path: of the score.
        quarters_per_minute: constant tempo of a written score; None for its own, as MIDI files always have.

    Returns:
        Notes in order of onset.

    Raises:
        ScoreError: when the score cannot be read or has no note.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScoreError(f"the score cannot be read: {error.strerror}", "check its rights") from error
    return _notes(head, path, quarters_per_minute)


@functools.lru_cache(maxsize=1)
def _notes(head: bytes, path: Path, quarters_per_minute: float | None) -> tuple[Note, ...]:
    # one program after another plays a score, which takes long to read
    if is_midi(head) or path.suffix.lower() in MIDI_SUFFIXES:
        return read_midi(head)
    return read_notation(path, quarters_per_minute)


def render(
    path: Path, quarters_per_minute: float | None, program: int | None, scores: Scores, output: Path
) -> Rendering:
    """Render a score to a mono FLAC file; the same score gives the same bytes.

    How loud it is, ``scores.level`` says. The piece ends with a short tail after its last note, or at
    ``scores.seconds_per_piece``, and fades out over 10 ms. Memory does not grow with its length: the samples wait on
    disk until their peak is known.

    Args:
        path: of the score.
        quarters_per_minute: constant tempo; None for the score's own.
        program: General MIDI program that plays all of it; None for those that the score names.
        scores: the configuration's section.
        output: FLAC file to write.

    Returns:
        What is played.

    Raises:
        ScoreError: when the score cannot be read or is silent, or the SoundFont cannot play it.
        AudioFileError: when the file cannot be written.
    """
    notes = read_score(path, quarters_per_minute)
    piece = piece_digest(notes)
    if program is not None:
        notes = on_one_program(notes, program)
        if not notes:
            raise ScoreError("the score has percussion only, which no General MIDI program plays", "leave it out")
    rate = scores.render_rate or RENDER_RATE
    end = max(note.end for note in notes) + TAIL_SECONDS
    seconds = min(end, scores.seconds_per_piece)
    heard = tuple(note for note in notes if note.onset < seconds)
    if not heard:
        problem = f"its first note is at {notes[0].onset:.0f} s, after corpus.scores.seconds_per_piece"
        raise ScoreError(problem, "raise corpus.scores.seconds_per_piece")
    frames = math.ceil(seconds * rate)
    soundfont = soundfont_file(scores.soundfont)
    loudest = None if scores.level == "piece" else _loudest({note.program for note in heard}, soundfont, rate)
    peak = _write(map(to_mono, play(heard, soundfont, rate, frames)), loudest, frames, rate, output)
    remarks = [f"the first {seconds:g} s of {end:.0f} s are rendered"] if seconds < end else []
    if loudest is not None and peak > loudest:
        remarks.append(
            f"clipped: {20 * math.log10(peak / loudest):.1f} dB louder than corpus.scores.level leaves room for"
        )
    return Rendering(heard, piece, "; ".join(remarks))


def _loudest(programs: Iterable[int], soundfont: Path, rate: int) -> float:
    """The peak of a chord that is as loud as music on any of these programs is likely to be."""
    frames = math.ceil(CHORD_SECONDS * rate)
    peaks = []
    for program in sorted(programs):
        chord = [Note(0.0, pitch, CHORD_SECONDS, LOUDEST, program) for pitch in CHORD]
        peaks.append(max(float(np.abs(to_mono(block)).max()) for block in play(chord, soundfont, rate, frames)))
    return max(peaks)


def _write(
    blocks: Iterable[npt.NDArray[np.float32]], loudest: float | None, frames: int, rate: int, output: Path
) -> float:
    """Write audio so that what is as loud as ``loudest`` is at full scale, or else its own peak at ``PEAK``.

    Returns:
        Its peak before.
    """
    peak = 0.0
    raw = output.with_name(f"{output.name}.raw")
    try:
        with raw.open("wb") as file:
            for block in blocks:
                peak = max(peak, float(np.abs(block).max()))
                file.write(block.astype("<f4").tobytes())
        if peak <= 0 or loudest == 0:
            raise ScoreError("the score gives no sound", "choose a program or a SoundFont that has its notes")
        gain = np.float32(PEAK / peak if loudest is None else 1 / loudest)
        write_flac(output, fade_out((block * gain for block in _read_raw(raw)), frames, rate), rate, 1)
    finally:
        raw.unlink(missing_ok=True)
    return peak


def _read_raw(path: Path) -> Iterator[npt.NDArray[np.float32]]:
    with path.open("rb") as file:
        while content := file.read(4 * READ_FRAMES):
            yield np.frombuffer(content, dtype="<f4")


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
