"""A score in parts that a person names, read in bounded time and memory."""

from pathlib import Path

from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError, ScoreError
from descant.scores.part_files import PartsScore, read_parts
from descant.scores.parts import VOICES

# ours: a score that takes longer to read is a trap
READ_SECONDS = 600.0


def read_given(path: Path, least: int = len(VOICES), most: int = len(VOICES)) -> PartsScore:
    """Read a score in parts.

    Args:
        path: of any file that music21 reads, MIDI too.
        least: parts that it has at the least.
        most: parts that it has at the most.

    Raises:
        ScoreError: naming the file, as :func:`~descant.scores.part_files.read_parts` refuses it, or when reading it
            takes too long or too much memory.
    """
    try:
        # a parser that hangs or fills the memory costs no more than itself
        with Worker(READ_SECONDS) as worker:
            score: PartsScore = worker.call(read_parts, path, least, most)
    except CorpusError as error:
        raise ScoreError(f"{path.name}: {error.problem}", error.cure) from error
    except WorkerError as error:
        raise ScoreError(f"{path.name}: {error.problem}", "save it again, in parts, or choose another score") from error
    return score
