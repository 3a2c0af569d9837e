"""What the corpus consists of before anything is decoded: its items, listed."""

import dataclasses
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from descant.config.corpus import Corpus, Scores
from descant.corpus.outputs import whole_file
from descant.corpus.scores import read_pieces
from descant.errors import CorpusError
from descant.parquet import read_own
from descant.scores import MIDI_SUFFIXES, NOTATION_SUFFIXES
from descant.scores.notes import PIANO, program_name

# What libsndfile reads, and what ffmpeg does where there is one; what a file is, its first bytes say
SUFFIXES = frozenset(
    {".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".bwf", ".caf", ".dff", ".dsf", ".dts"}
    | {".eac3", ".flac", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpc", ".mpga", ".oga"}
    | {".ogg", ".opus", ".rf64", ".snd", ".spx", ".tta", ".voc", ".w64", ".wav", ".wave", ".weba", ".webm", ".wma"}
    | {".wv"}
)
SHOWN_SUFFIXES = "wav, flac, ogg, opus, mp3, aiff; m4a, wma and others through ffmpeg"
UNSUPPORTED = frozenset({".alac", ".ra"})
MIDI = frozenset({".mid", ".midi"})
SHOWN_SCORES = "mid, midi, kar, rmi, musicxml, mxl, xml, abc, krn"
KNOWN = {"folder": SUFFIXES | UNSUPPORTED | MIDI, "midi": MIDI_SUFFIXES | NOTATION_SUFFIXES}
# of a score: each part on what it names
AS_WRITTEN = -1
# So many files of a suffix that is not of music are listed one by one; more are counted. Ours
MOST_LISTED = 20
# read by another command, and no part of the music
LABELS_FILE = b"labels.csv"
# what Snakemake leaves in a folder that a rule made
TIMESTAMP = b".snakemake_timestamp"
CORPUS_KEY = "corpus.folder.path"
OTHER_KIND = "other"
SCHEMA = pa.schema(
    [
        ("name", pa.binary()),
        ("kind", pa.string()),
        ("title", pa.string()),
        ("quarters_per_minute", pa.float64()),
        ("program", pa.int64()),
        ("refusal", pa.string()),
    ]
)


@dataclass(frozen=True)
class Item:
    """Something that may become a track.

    Attributes:
        name: bytes of its path, relative to the folder or, for a score of a list, as the list gives it.
        kind: ``file``, ``score``, or ``other`` for what the folder holds besides music.
        title: what people call it.
        quarters_per_minute: tempo of a score; 0 for a file, and for a score's own tempo.
        program: General MIDI program that renders a score, or :data:`AS_WRITTEN`.
        refusal: why it is not even opened; empty when nothing speaks against it.
    """

    name: bytes
    kind: str
    title: str
    quarters_per_minute: float
    program: int
    refusal: str

    @property
    def source(self) -> str:
        """The name as it can be shown: text that prints, whatever its bytes."""
        return printable(self.name)


def printable(name: bytes) -> str:
    """Decode a name for people; what is not UTF-8, or would not print, becomes U+FFFD."""
    text = name.decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def scan(corpus: Corpus, key: str = CORPUS_KEY) -> tuple[Item, ...]:
    """List all items of the corpus in a fixed order.

    Args:
        corpus: the configuration's section.
        key: of the configuration, which names the folder.

    Returns:
        At least one item; those that are refused are among them, with the reason.

    Raises:
        CorpusError: when the folder is missing, cannot be read or has no audio, or the list of pieces is unusable.
    """
    if corpus.source == "scores":
        return tuple(_piece_items(corpus.scores))
    root = _root(corpus.folder.path, key)
    _holds_no_results(root, key)
    items = tuple(_folder_items(root, corpus))
    if all(item.kind == OTHER_KIND for item in items):
        what, files = {"folder": ("audio", SHOWN_SUFFIXES), "midi": ("score", SHOWN_SCORES)}[corpus.source]
        raise CorpusError(f"{key}: no {what} file in {corpus.folder.path}", f"put some there: {files}")
    return items


def _piece_items(scores: Scores) -> Iterator[Item]:
    for piece in read_pieces(scores):
        for program in scores.programs or (PIANO,):
            title = rendering_title(piece.label, program)
            yield Item(os.fsencode(piece.path), "score", title, piece.quarters_per_minute, program, "")


def rendering_title(title: str, program: int) -> str:
    """What people call a rendering; the piano, and what a score names itself, go without saying."""
    return title if program in (AS_WRITTEN, PIANO) else f"{title} ({program_name(program)})"


def _root(path: str | Path | None, key: str) -> bytes:
    root = os.fsencode(path or "")
    if not os.path.isdir(root):  # noqa: PTH112 - a path of bytes
        raise CorpusError(f"{key}: there is no folder {path or '(empty)'}", f"set {key} to the folder that you mean")
    if not os.access(root, os.R_OK | os.X_OK):
        raise CorpusError(f"{key}: {path} may not be read", "give this user the right to read it")
    return root


def _holds_no_results(root: bytes, key: str) -> None:
    folder = Path(os.fsdecode(root))
    if Path("results").resolve().is_relative_to(folder.resolve()):
        raise CorpusError(
            f"{key}: {folder} holds the results of this run, which would become music to train on",
            "move the recordings to a folder of their own, or run in another place with --directory",
        )


def _walk(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Relative names of all entries, sorted, with what the link itself is; of folders only those not gone into.

    Links to folders are listed, never followed, so that no loop can be entered. Hidden folders are listed as such.
    """
    with os.scandir(root) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        try:
            if not entry.is_dir(follow_symlinks=False) or entry.name.startswith(b"."):
                yield entry.name, entry.stat(follow_symlinks=False)
            else:
                yield from _inside(entry)
        except FileNotFoundError:
            # gone since it was listed
            continue


def _inside(folder: os.DirEntry[bytes]) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        for name, facts in _walk(folder.path):
            yield os.path.join(folder.name, name), facts  # noqa: PTH118 - names are bytes
    except PermissionError:
        yield folder.name, folder.stat()
    except FileNotFoundError:
        # gone since it was listed
        return
    except OSError as error:
        raise CorpusError(
            f"the folder {os.fsdecode(folder.path)} cannot be read: {error.strerror}",
            "mend the disk or the mount, then run again",
        ) from error


def _suffix(name: bytes) -> str:
    # a name may end in a blank
    return os.path.splitext(name)[1].decode("ascii", errors="replace").strip().lower()  # noqa: PTH122 - names are bytes


def _is_music(root: bytes, name: bytes, facts: os.stat_result, source: str) -> bool:
    """Whether it looks like music, or is a folder that people may expect to be gone into."""
    path = os.path.join(root, name)  # noqa: PTH118 - names are bytes
    if stat.S_ISDIR(facts.st_mode):
        return not os.path.basename(name).startswith(b".")  # noqa: PTH119
    is_link_to_folder = stat.S_ISLNK(facts.st_mode) and os.path.isdir(path)  # noqa: PTH112
    return _suffix(name) in KNOWN[source] or is_link_to_folder


def _folder_items(root: bytes, corpus: Corpus) -> Iterator[Item]:
    """Music first, then what else is there."""
    inside = os.path.realpath(root)
    is_scores = corpus.source == "midi"
    kind = "score" if is_scores else "file"
    programs = (corpus.scores.programs or (AS_WRITTEN,)) if is_scores else (AS_WRITTEN,)
    others: dict[str, list[bytes]] = {}
    for name, facts in _walk(root):
        suffix = _suffix(name)
        if name in (LABELS_FILE, TIMESTAMP):
            continue
        if not _is_music(root, name, facts, corpus.source):
            group = "/" if stat.S_ISDIR(facts.st_mode) else printable(suffix.encode())
            others.setdefault(group, []).append(name)
            continue
        title = printable(os.path.splitext(os.path.basename(name))[0])  # noqa: PTH119, PTH122 - names are bytes
        refusal = _refusal(os.path.join(root, name), facts, inside) or _unfit(suffix, is_scores)  # noqa: PTH118
        for program in programs:
            yield Item(name, kind, rendering_title(title, program), 0.0, program, refusal)
    for suffix, names in sorted(others.items()):
        yield from _other_items(suffix, names, is_scores)


def _other_items(kind: str, names: Sequence[bytes], is_scores: bool) -> Iterator[Item]:
    """What is no music by its name: a row each, or one row with their number where there are many."""
    what, example, those = ("score", "song.mid", "scores") if is_scores else ("recording", "song.flac", "audio")
    why = {
        "/": "a hidden folder; it is not gone into",
        "": f"no {what} by its name, which has no suffix; a {what} is named like {example}",
    }.get(kind, f"no {what} by its name: {kind} is not a suffix of {those}")
    if len(names) <= MOST_LISTED:
        for name in names:
            yield Item(name, OTHER_KIND, "", 0.0, AS_WRITTEN, why)
    else:
        yield Item(f"*{kind}".encode(), OTHER_KIND, "", 0.0, AS_WRITTEN, f"{len(names):,} files: {why}")


def _unfit(suffix: str, is_scores: bool) -> str:
    if suffix in MIDI and not is_scores:
        return "a score, not a recording; render scores with corpus.source: midi"
    if suffix in UNSUPPORTED:
        return f"{suffix} files are not supported; convert it to FLAC or WAV"
    return ""


def _refusal(path: bytes, facts: os.stat_result, inside: bytes) -> str:
    if stat.S_ISDIR(facts.st_mode):
        return "a folder that may not be read; give this user the right to read it"
    if os.path.basename(path).startswith(b"."):  # noqa: PTH119
        return "hidden: its name begins with a dot; rename it to use it"
    if stat.S_ISLNK(facts.st_mode):
        if os.path.isdir(path):  # noqa: PTH112
            return "a link to a folder; such links are not followed: copy the folder here"
        target = os.path.realpath(path)
        if os.path.commonpath([target, inside]) != inside:
            return "a link that leads out of the folder; copy the file here"
        try:
            facts = os.stat(path)  # noqa: PTH116
        except OSError:
            return "a link that leads nowhere"
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file"
    if not os.access(path, os.R_OK):
        return "a file that may not be read; give this user the right to read it"
    return "empty file" if facts.st_size == 0 else ""


def music_in(path: str | Path, key: str, source: str) -> tuple[bytes, list[tuple[bytes, os.stat_result]]]:
    """Walk a folder for all that looks like music, whether or not it can be used.

    Args:
        path: of the folder.
        key: of the configuration, which names it.
        source: ``folder`` for recordings, ``midi`` for scores.

    Returns:
        The folder, and names in it with what each is, links themselves.

    Raises:
        CorpusError: when there is no such folder, or it cannot be read.
    """
    top = _root(path, key)
    return top, [(name, facts) for name, facts in _walk(top) if _is_music(top, name, facts, source)]


def write_items(items: Iterable[Item], path: Path) -> None:
    """Write the list of items as Parquet."""
    rows = [dataclasses.asdict(item) for item in items]
    with whole_file(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), temporary)


def read_items(path: Path) -> tuple[Item, ...]:
    """Read what :func:`write_items` wrote.

    Raises:
        ResultError: when the table cannot be read.
    """
    return tuple(Item(**row) for row in read_own(path, SCHEMA).to_pylist())
