"""Labels of tracks: read from a CSV file that a person wrote, laid over what the sources tell, and counted."""

import csv
import hashlib
import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from descant.config.corpus import Corpus
from descant.corpus.splits import SPLITS
from descant.corpus.table import Entry
from descant.errors import CorpusError
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
        return found if corpus.source == "folder" and found.is_file() else None
    if not Path(corpus.labels).is_file():
        cure = "check the path of your CSV file; without the key, labels.csv in the folder is read if there is one"
        raise CorpusError(f"corpus.labels: there is no file {corpus.labels}", cure)
    return Path(corpus.labels)


def labels_digest(path: Path) -> str:
    """Hexadecimal sha256 of a file of labels."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_labels(path: Path) -> dict[str, Labels]:
    """Read a CSV file of labels: ``file`` and at least one of ``title``, ``artist``, ``genre``.

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
    """Put a person's labels over those of the tags; files that are not in the corpus are told in the log.

    Args:
        entries: of the whole corpus.
        labels: by name in NFC, of :func:`read_labels`.

    Returns:
        The entries in their order.
    """
    names = [unicodedata.normalize("NFC", entry.source) for entry in entries]
    if absent := sorted(labels.keys() - set(names)):
        shown = ", ".join(map(clean, absent[:SHOWN])) + ", …" * (len(absent) > SHOWN)
        log.warning("labels of %d files that are not in the corpus: %s", len(absent), shown)
    return tuple(label(entry, labels.get(name, Labels())) for entry, name in zip(entries, names, strict=True))


def minutes_by_label(entries: Sequence[Entry]) -> pd.DataFrame:
    """Minutes of the used tracks for each artist and genre, by split.

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
    """Tell the minutes of the commonest labels, one line a kind; nothing of a kind of which nothing is known."""
    for name, table in minutes.groupby("label"):
        known = table[table["value"] != ""]
        unknown = table.loc[table["value"] == "", "total"].sum()
        if len(known):
            most = ", ".join(f"{row.value} {row.total:.1f}" for row in known.head(SHOWN).itertuples())
            yield f"{name}: {len(known)} known, most minutes: {most}; unknown for {unknown:.1f} min"
