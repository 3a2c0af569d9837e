"""Music in parts as people hear it: what the SoundFont plays of a piece. Slow to import, because of music21."""

import math
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from descant.config.corpus import RENDER_RATE, Scores
from descant.config.parts import QUARTERS_PER_MINUTE, SECONDS_A_MEASURE
from descant.corpus.rendering import render
from descant.scores.forms import Piece, of_piece
from descant.scores.notes import PIANO
from descant.scores.part_writing import midi_of
from descant.scores.parts import MEASURE, PITCHES

# longer than any piece that is read
SOUND = Scores(seconds_per_piece=3600.0)


def audio_of(piece: Piece) -> npt.NDArray[np.float32]:
    """What is heard of a piece from its first note on, with a short tail; of nothing but rests, silence.

    Args:
        piece: a grid, uint8 ``(steps, 4)``, or a roll, ``(steps, voices, 128)``.

    Returns:
        float32 ``(time,)`` at :data:`descant.config.corpus.RENDER_RATE`.
    """
    if not (of_piece(piece).lines(piece) < PITCHES).any():
        return np.zeros(samples_of(piece), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "heard.flac"
        render_piece(piece, SOUND, sound)
        audio, _ = soundfile.read(sound, dtype="float32")
    return np.asarray(audio, np.float32)


def render_piece(
    piece: Piece, sound: Scores, output: Path, quarters_per_minute: float = QUARTERS_PER_MINUTE, program: int = PIANO
) -> str:
    """Render a piece to a FLAC file, from its first note on: nobody waits for a pickup to begin.

    Args:
        piece: a grid or a roll in which a note is struck.
        sound: the SoundFont, and how it plays.
        output: FLAC file to write.
        quarters_per_minute: tempo.
        program: General MIDI program of all voices.

    Returns:
        What people should know, or empty.

    Raises:
        ScoreError: when the SoundFont cannot play it.
    """
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        score = Path(folder) / "heard.mid"
        score.write_bytes(midi_of(of_piece(piece).from_first_note(piece), quarters_per_minute, program))
        return render(score, None, None, sound, output).remark


def measured_audio_of(piece: Piece) -> npt.NDArray[np.float32]:
    """The same, as long as the piece is: cut, or with silence after it."""
    audio, samples = audio_of(piece), samples_of(piece)
    return np.pad(audio[:samples], (0, max(0, samples - len(audio))))


def samples_of(piece: Piece) -> int:
    """Samples of audio that a piece lasts."""
    return math.ceil(len(piece) / MEASURE * SECONDS_A_MEASURE * RENDER_RATE)
