"""The list of pieces that the embedded corpus is rendered from, and where their scores lie."""

import csv
import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from descant.config.corpus import Scores
from descant.corpus.digests import content_digests
from descant.errors import CorpusError
from descant.sequences import Labels

BUILTIN = "builtin"
COLUMNS = ("path", "title", "composer", "quarters_per_minute", "note")


@dataclass(frozen=True)
class Piece:
    """One line of a list of pieces.

    Attributes:
        path: in music21's own corpus, or of a score file relative to the list's folder.
        title: what people call it.
        composer: who wrote it; empty where the list does not say.
        quarters_per_minute: tempo of the rendering; ours, as few scores carry one.
        note: what the score says of its licence, and how it is played.
    """

    path: str
    title: str
    composer: str
    quarters_per_minute: float
    note: str

    @property
    def label(self) -> str:
        """Composer and title, as the track is shown."""
        return Labels(self.title, self.composer).name


def list_file(setting: str) -> Path:
    """The CSV file that ``corpus.scores.pieces`` means: the shipped one for ``builtin``, else the path itself."""
    return Path(__file__).with_name("pieces.csv") if setting == BUILTIN else Path(setting)


def list_digest(setting: str) -> str:
    """Hash the list of pieces, and the names and bytes of the files beside a person's own.

    Raises:
        CorpusError: when the list is missing.
    """
    path = list_file(setting)
    if not path.is_file():
        raise CorpusError(f"corpus.scores.pieces: there is no file {path.name}", "check the path of your list")
    digest = hashlib.sha256(path.read_bytes())
    if setting != BUILTIN:
        beside = [(os.fsencode(score.name), score.lstat()) for score in sorted(path.parent.iterdir())]
        for (name, _), content in zip(beside, content_digests(os.fsencode(path.parent), beside, None), strict=True):
            digest.update(f"{name!r} {content}\n".encode())
    return digest.hexdigest()


def read_pieces(scores: Scores) -> tuple[Piece, ...]:
    """Read the list of pieces, as far as ``limit`` goes.

    Args:
        scores: the configuration's section.

    Returns:
        The pieces in the list's order.

    Raises:
        CorpusError: when the list is missing, empty, lacks a column or has a line that cannot be used.
    """
    path = list_file(scores.pieces)
    cure = f"give corpus.scores.pieces a CSV file with the columns {', '.join(COLUMNS)}, or '{BUILTIN}'"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise CorpusError(f"{path.name} lacks the columns {', '.join(sorted(missing))}", cure)
            pieces = tuple(_piece(line, f"{path.name}, line {reader.line_num}") for line in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"the list of pieces {path} cannot be read: {reason}", cure) from error
    if not pieces:
        raise CorpusError(f"the list of pieces {path.name} has no line", cure)
    return pieces[: scores.limit]


def _piece(line: dict[str, str | None], place: str) -> Piece:
    value = {name: (line.get(name) or "").strip() for name in COLUMNS}
    try:
        tempo = float(value["quarters_per_minute"])
    except ValueError:
        tempo = 0.0
    if not 10 <= tempo <= 600:
        found = value["quarters_per_minute"]
        raise CorpusError(f"{place}: quarters_per_minute is {found!r}", "give a number from 10 to 600, such as 72")
    if not value["path"]:
        raise CorpusError(f"{place}: path is empty", "name a score of music21's corpus, or a file beside the list")
    return Piece(value["path"], value["title"] or value["path"], value["composer"], tempo, value["note"])


def locate(setting: str, path: str) -> Path:
    """Find the score of a piece: beside a list of your own, else in music21's corpus.

    Args:
        setting: ``corpus.scores.pieces``.
        path: as the list gives it.

    Returns:
        An existing file.

    Raises:
        CorpusError: when there is none, or the path leads out of the folder it is relative to.
    """
    spec = importlib.util.find_spec("music21")
    roots = [Path(folder) / "corpus" for folder in (spec.submodule_search_locations or () if spec else ())]
    if setting != BUILTIN:
        roots.insert(0, list_file(setting).parent)
    for root in roots:
        found = (root / path).resolve()
        if found.is_relative_to(root.resolve()) and found.is_file():
            return found
    raise CorpusError(f"there is no score {path}", "give a path of music21's corpus, or of a file beside the list")
