"""Real material for sanity tests: embedded scores, played on the SoundFont's piano and on its strings."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from descant.config.corpus import Scores
from descant.corpus.rendering import render
from descant.corpus.scores import locate, read_pieces

RATE = 16000
STRING_ENSEMBLE = 48


def played(folder: Path, pieces: range, seconds: float, program: int) -> list[npt.NDArray[np.float32]]:
    """Audio of some pieces of the shipped list, each ``(samples,)``."""
    folder.mkdir(parents=True, exist_ok=True)
    tracks = []
    scores = Scores(seconds_per_piece=seconds, render_rate=RATE)
    listed = read_pieces(scores)
    for number in pieces:
        piece = listed[number]
        path = folder / f"{number}.flac"
        render(locate("builtin", piece.path), piece.quarters_per_minute, program, scores, path)
        tracks.append(soundfile.read(path, dtype="float32")[0])
    return tracks
