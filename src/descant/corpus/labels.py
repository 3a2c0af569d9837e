"""Labels of tracks: read from a CSV file that a person wrote, laid over those that the sources give, and counted."""

import csv
import hashlib
import logging
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from descant.config.corpus import Corpus
from descant.corpus.splits import SPLITS
from descant.corpus.table import REJECTED, Entry
from descant.errors import CorpusError
from descant.formatting import count
from descant.sequences import LABELS, Labels

log = logging.getLogger(__name__)

IN_FOLDER = "labels.csv"
FILE = "file"
MAX_LETTERS = 200
MAX_CSV_BYTES = 1 << 26
SHOWN = 5


def clean(text: str) -> str:
    """Make text of unknown origin fit to be shown: one line, NFC, at most 200 letters.

    What would not print, such as control codes and marks that turn the writing around, becomes U+FFFD.
    """
    # cut first: normalising takes quadratic time for text made to be slow
    line = unicodedata.normalize("NFC", " ".join(text[: 8 * MAX_LETTERS].split()))[:MAX_LETTERS].strip()
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def label(entry: Entry, labels: Labels) -> Entry:
    """The same entry with the labels that are not empty."""
    return replace(entry, **{name: text for name, text in asdict(labels).items() if text})


def labels_file(corpus: Corpus) -> Path | None:
    """The CSV file of labels: the one that ``corpus.labels`` names, else ``labels.csv`` in the folder, if there is one.

    Raises:
        CorpusError: when the named file is missing.
    """
    if corpus.labels is None:
        found = Path(corpus.folder.path or "") / IN_FOLDER
        return found if corpus.source in ("folder", "midi") and found.is_file() else None
    if not Path(corpus.labels).is_file():
        cure = "check the path of your CSV file; without the key, labels.csv in the folder is read if there is one"
        raise CorpusError(f"corpus.labels: there is no file {corpus.labels}", cure)
    return Path(corpus.labels)


def labels_digest(path: Path) -> str:
    """Hexadecimal sha256 of a file of labels."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_labels(path: Path) -> dict[str, Labels]:
    """Read a CSV file of labels: ``file`` and at least one of ``title``, ``artist``, ``genre``, ``instrument``.

    Columns are separated by commas or semicolons, in any order; text is UTF-8, with a byte order mark or without.

    Args:
        path: of the file.

    Returns:
        Labels by the file's name relative to the corpus folder, in NFC.

    Raises:
        CorpusError: when it cannot be read, has other columns, or names a file twice.
    """
    columns = f"give it the columns {FILE} (name relative to the corpus folder), {', '.join(LABELS)}; UTF-8"
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise CorpusError(f"{path.name} has more than {MAX_CSV_BYTES >> 20} MiB", columns)
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(",;", key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(header, path.name, columns)
            labels: dict[str, Labels] = {}
            for row in filter(any, reader):
                place = f"{path.name}, line {reader.line_num}"
                name, found = _labels(header, row, place)
                if name in labels:
                    raise CorpusError(f"{place}: {name!r} is named a second time", "keep one line for each file")
                labels[name] = found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"the labels in {path.name} cannot be read: {reason}", columns) from error
    return labels


def _check_header(header: Sequence[str], name: str, cure: str) -> None:
    if FILE not in header or not set(LABELS) & set(header):
        raise CorpusError(f"{name} lacks the column {FILE}, or all of {', '.join(LABELS)}", cure)
    for column in (FILE, *LABELS):
        if header.count(column) > 1:
            raise CorpusError(f"{name} has {header.count(column)} columns {column}", cure)
    if unknown := sorted(set(header) - {FILE, *LABELS}):
        log.warning("%s: not used: the columns %s", name, ", ".join(map(clean, unknown)))


def _labels(header: Sequence[str], row: Sequence[str], place: str) -> tuple[str, Labels]:
    if len(row) > len(header):
        cure = "put values that hold a separator in quotes"
        raise CorpusError(f"{place}: {len(row)} values, but the header names {len(header)} columns", cure)
    values = dict(zip(header, row, strict=False))
    name = unicodedata.normalize("NFC", values.get(FILE, "").removeprefix("./"))
    if not name:
        raise CorpusError(f"{place}: {FILE} is empty", "name the file relative to the corpus folder")
    return name, Labels(**{label: clean(values.get(label, "")) for label in LABELS})


def apply_labels(entries: Sequence[Entry], labels: Mapping[str, Labels]) -> tuple[Entry, ...]:
    """Put a person's labels over those of the tags.

    Args:
        entries: of the whole corpus.
        labels: by name in NFC, of :func:`read_labels`; the files that they mean are those of :func:`match_names`.

    Returns:
        The entries in their order.
    """
    names = match_names(_sources(entries), labels).names
    matched = [names.get(unicodedata.normalize("NFC", entry.source)) for entry in entries]
    return tuple(
        entry if name is None else label(entry, labels[name]) for entry, name in zip(entries, matched, strict=True)
    )


def _sources(entries: Sequence[Entry]) -> set[str]:
    return {unicodedata.normalize("NFC", entry.source) for entry in entries}


@dataclass(frozen=True)
class Matched:
    """Which file each name in a file of labels means.

    Attributes:
        names: the name of each file that has one, by the file.
        absent: names of no file, sorted.
        ambiguous: names that could be of several files, or that stand for one file together, sorted; none is used.
    """

    names: Mapping[str, str]
    absent: tuple[str, ...]
    ambiguous: tuple[str, ...]


def match_names(sources: Collection[str], names: Collection[str]) -> Matched:
    """Find the file that each name means.

    A name is taken as it stands where there is such a file. Else it is read with slashes for backslashes and without
    blanks round its parts, and taken where it means one file only: as its path; as its path below a folder that stands
    before the other names too, as in absolute paths; or as the end of its path, as a bare name.

    Args:
        sources: names of the files, relative to the corpus folder, in NFC.
        names: as a person wrote them, in NFC.
    """
    whole: dict[tuple[str, ...], set[str]] = {}
    ends: dict[tuple[str, ...], set[str]] = {}
    for source in sources:
        parts = _parts(source)
        whole.setdefault(parts, set()).add(source)
        for start in range(len(parts)):
            ends.setdefault(parts[start:], set()).add(source)
    before: dict[str, tuple[str, ...]] = {}
    meant = {name: {name} for name in names if name in sources}
    for name in names:
        if name not in meant:
            parts = _parts(name)
            cut = next((start for start in range(len(parts)) if parts[start:] in whole), None)
            before[name] = parts[: cut or 0]
            meant[name] = ends.get(parts, set()) if cut is None else whole[parts[cut:]]
    folders = Counter(folder for folder in before.values() if folder)
    folder = min(folders, key=lambda each: (-folders[each], len(each), each), default=())
    for name in before:
        if before[name] not in ((), folder):
            meant[name] = set()
    lines = Counter(source for found in meant.values() for source in found if len(found) == 1)
    clear = {name: next(iter(found)) for name, found in meant.items() if len(found) == 1}
    used = {source: name for name, source in clear.items() if name == source or lines[source] == 1}
    absent = (name for name, found in meant.items() if not found)
    unclear = (name for name, found in meant.items() if found and used.get(clear.get(name, "")) != name)
    return Matched(used, tuple(sorted(absent)), tuple(sorted(unclear)))


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path, whatever system wrote it, without blanks round them."""
    parts = (part.strip() for part in name.replace("\\", "/").split("/"))
    return tuple(part for part in parts if part not in ("", "."))


def unmatched(entries: Sequence[Entry], labels: Mapping[str, Labels]) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Show which labels were not used, and which tracks have none, where people look.

    Args:
        entries: of the whole corpus.
        labels: by name in NFC, of :func:`read_labels`.

    Returns:
        The entries for people, with a remark at each used one that the file of labels does not name, and a row for each
        name in it that means no file; and a sentence for each kind of these, with how many there are.
    """
    found = match_names(_sources(entries), labels)
    shown, missing = [], []
    for entry in entries:
        if entry.is_used and unicodedata.normalize("NFC", entry.source) not in found.names:
            missing.append(entry.source)
            entry = replace(entry, reason="; ".join(filter(None, [entry.reason, "no line in the file of labels"])))
        shown.append(entry)
    kinds = {
        "is of no file in the corpus": found.absent,
        "could be of several files, or several lines name one": found.ambiguous,
    }
    words = []
    for what, names in kinds.items():
        reason = f"a name in the file of labels that {what}"
        shown += [Entry("", "", _end(name), 0.0, 0, 0, REJECTED, "", reason, "") for name in names]
        if names:
            words.append(f"labels of {count(len(names), 'name')} not used, each {what}: {_some(names)}")
    if missing:
        words.append(f"no line in the file of labels for {count(len(missing), 'track')}: {_some(missing)}")
    return tuple(shown), tuple(words)


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(_end, names[:SHOWN])) + ", …" * (len(names) > SHOWN)


def _end(name: str) -> str:
    """A name to be shown; of an absolute path the end only: where a person keeps music is nobody else's business."""
    is_absolute = name.startswith(("/", "\\")) or name[1:2] == ":"
    return clean("…/" + "/".join(_parts(name)[-2:]) if is_absolute else name)


def minutes_by_label(entries: Sequence[Entry]) -> pd.DataFrame:
    """Minutes of the used tracks for each artist, genre and instrument, by split.

    Args:
        entries: splits dealt.

    Returns:
        Columns label, value (empty: unknown), tracks, total, and one for each split, in minutes; most minutes first.
    """
    rows = [
        {"label": name, "value": getattr(entry, name), "split": entry.split, "minutes": entry.seconds / 60}
        for name in LABELS[1:]
        for entry in entries
        if entry.is_used
    ]
    table = pd.DataFrame(rows, columns=["label", "value", "split", "minutes"])
    groups = table.groupby(["label", "value"])
    minutes = table.pivot_table("minutes", ["label", "value"], "split", aggfunc="sum", fill_value=0.0)
    minutes = minutes.reindex(columns=list(SPLITS), fill_value=0.0)
    minutes.insert(0, "tracks", groups.size())
    minutes.insert(1, "total", groups["minutes"].sum())
    counted = minutes.reset_index().rename_axis(columns=None)
    return counted.sort_values(["label", "total", "value"], ascending=[True, False, True], ignore_index=True)


def in_words(minutes: pd.DataFrame) -> Iterator[str]:
    """Yield the minutes of the commonest labels, one line a kind; none for a kind of which nothing is known."""
    for name, table in minutes.groupby("label"):
        known = table[table["value"] != ""]
        unknown = table.loc[table["value"] == "", "total"].sum()
        if len(known):
            most = ", ".join(f"{row.value} {row.total:.1f}" for row in known.head(SHOWN).itertuples())
            yield f"{name}: {len(known)} known, most minutes: {most}; unknown for {unknown:.1f} min"
