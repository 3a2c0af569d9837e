"""Where pieces in parts come from: music21's chorales or quartets, a person's folder, the benchmark JSB Chorales."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from descant.config.corpus import Corpus, Folder
from descant.config.parts import Parts
from descant.corpus.labels import clean
from descant.corpus.scan import OTHER_KIND, scan
from descant.corpus.splits import SPLITS
from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError
from descant.scores.forms import Piece
from descant.scores.part_files import PartsScore, read_parts
from descant.scores.parts import MEASURE, PITCHES, SILENCE, VOICES, from_sounding

FOLDER_KEY, JSB16_KEY = "parts.folder", "parts.jsb16"
# of music21's corpus; what is no quartet there, or in other meters, is set aside as it is read
QUARTETS = ("beethoven", "haydn", "mozart", "schumann_robert/opus41no1")
BACH = "Johann Sebastian Bach"
# how the sha256 of the file begins at commit 9a7f733 of czhuang/JSB-Chorales-dataset, which has 1.7 MB
JSB16_SHA256 = "79294cc3"
MOST_JSB16_BYTES = 1 << 24
JSB16_SPLITS = dict(zip(("train", "valid", "test"), SPLITS, strict=True))


@dataclass(frozen=True)
class Candidate:
    """A piece that may be used.

    Attributes:
        source: what it is called where it comes from, fit to be shown.
        title: what people call it; empty where nothing says so.
        artist: who wrote it.
        grid: uint8 ``(steps, 4)``, or a roll ``(steps, voices, 128)``; None where it cannot be used.
        reason: why not.
        remarks: what was changed on the way.
        split: the one that the source gives it; empty where it is to be dealt.
    """

    source: str
    title: str = ""
    artist: str = ""
    grid: Piece | None = None
    reason: str = ""
    remarks: tuple[str, ...] = ()
    split: str = ""


def candidates(settings: Parts) -> Iterator[Candidate]:
    """Read all pieces of the source, usable or not, in a fixed order.

    Raises:
        CorpusError: when the folder or the file is missing, has no score, or is not what it should be.
    """
    if settings.source == "jsb16":
        yield from jsb16_pieces(Path(settings.jsb16 or ""))
        return
    known = {"chorales": _chorales, "quartets": _quartets}
    files = known[settings.source]() if settings.source in known else _scores_in(settings.folder or "")
    # a parser that hangs or fills the memory costs one file
    with Worker(60 * settings.file_minutes) as worker:
        for piece, path in files:
            yield piece if piece.reason else _read(piece, path, worker, settings)


def _read(piece: Candidate, path: Path, worker: Worker, settings: Parts) -> Candidate:
    try:
        score: PartsScore = worker.call(read_parts, path, settings.voices, settings.voices, settings.form)
    except WorkerError as error:
        # its cure names a key of another section
        reason = error.problem.replace("the decoder", "the reader")
        return replace(piece, reason=clean(reason))
    except CorpusError as error:
        return replace(piece, reason=clean(error.problem))
    title, artist = piece.title or clean(score.title), piece.artist or clean(score.artist)
    return replace(piece, title=title, artist=artist, grid=score.grid, remarks=score.remarks)


def _corpus_folder() -> Path:
    spec = importlib.util.find_spec("music21")
    folders = spec.submodule_search_locations if spec else None
    return Path((folders or [""])[0]) / "corpus"


def _quartets() -> list[tuple[Candidate, Path]]:
    """The files of quartets in music21's corpus, which have titles of their own."""
    root = _corpus_folder()
    files = sorted(file for folder in QUARTETS for file in (root / folder).rglob("*.mxl"))
    return [(Candidate(file.relative_to(root).with_suffix("").as_posix()), file) for file in files]


def _chorales() -> list[tuple[Candidate, Path]]:
    """Bach's files in music21's corpus, one of each name, with the titles that music21 knows."""
    by_name: dict[str, Path] = {}
    # backwards, so that .mxl stands where there is .xml too
    for path in sorted((_corpus_folder() / "bach").glob("bwv*"), reverse=True):
        if path.suffix in (".mxl", ".xml"):
            by_name[path.stem] = path
    titles = _chorale_titles()
    return [(Candidate(name, titles.get(name, ""), BACH), path) for name, path in sorted(by_name.items())]


@cache
def _chorale_titles() -> dict[str, str]:
    # slow to import
    from music21.corpus.chorales import ChoraleList, ChoraleListRKBWV

    lists: tuple[Any, ...] = (ChoraleList, ChoraleListRKBWV)
    entries = [entry for kind in lists for entry in kind().byBWV.values()]
    return {f"bwv{entry['bwv']}": clean(str(entry["title"])) for entry in entries}


def _scores_in(folder: str) -> list[tuple[Candidate, Path]]:
    items = scan(Corpus(source="midi", folder=Folder(path=folder)), FOLDER_KEY)
    root = os.fsencode(folder)
    return [
        (Candidate(item.source, reason=item.refusal), Path(os.fsdecode(os.path.join(root, item.name))))  # noqa: PTH118
        for item in items
        if item.kind != OTHER_KIND
    ]


def jsb16_pieces(path: Path) -> Iterator[Candidate]:
    """Read JSB Chorales by sixteenths: JSON lists of frames of four pitches, below 0 where a voice rests.

    The format has no sign for a note that is held rather than struck again, nor for where bars begin: every piece is
    taken to begin on one.

    Args:
        path: of Jsb16thSeparated.json.

    Raises:
        CorpusError: when it is missing or another file.
    """
    cure = f"set {JSB16_KEY} to Jsb16thSeparated.json of github.com/czhuang/JSB-Chorales-dataset, commit 9a7f733"
    try:
        with path.open("rb") as file:
            content = file.read(MOST_JSB16_BYTES)
    except OSError as error:
        raise CorpusError(f"{JSB16_KEY}: {path} cannot be read: {error.strerror}", cure) from error
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(JSB16_SHA256):
        raise CorpusError(f"{JSB16_KEY}: {path.name} has sha256 {found[:16]}…, not {JSB16_SHA256}…", cure)
    try:
        pieces = list(pieces_of_frames(json.loads(content)))
    except (ValueError, LookupError, TypeError) as error:
        raise CorpusError(f"{JSB16_KEY}: {path.name} holds no chorales: {error}", cure) from error
    yield from pieces


def pieces_of_frames(splits: dict[str, list[list[Sequence[float]]]]) -> Iterator[Candidate]:
    """The pieces of JSB Chorales' lists, by the names of its splits; the last measure is filled with rest."""
    for name, split in JSB16_SPLITS.items():
        for number, frames in enumerate(splits[name]):
            given = np.array(frames, dtype=np.float64)
            sounds = np.full((-(-len(given) // MEASURE) * MEASURE, len(VOICES)), SILENCE, np.uint8)
            sounds[: len(given)] = np.where((given >= 0) & (given < PITCHES), given, SILENCE)
            yield Candidate(f"{name} {number}", artist=BACH, grid=from_sounding(sounds), split=split)
