"""Ratings that were gathered elsewhere: by our static page, which join the store, and by other tools, which never do.

webMUSHRA (``service/write.php``): ``mushra.csv`` with a session id in every row, ``lss.csv`` and ``lms.csv`` without:
who rated is known only if the questionnaire asked. SaShiMi's MTurk study (``sashimi/mturk``): the batch's result file
and ``uids.txt``, which says what an opaque file name stood for. Raters' names are replaced by a hash.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from descant.errors import ListeningError, shown
from descant.listening.answers import read_ratings_file
from descant.listening.files import Design, Manifest
from descant.listening.ratings import MUSHRA
from descant.listening.store import Store

SESSION = "session_uuid"
# webMUSHRA's own name, and those of its anchors: anchor35, anchor70
REFERENCE = "reference"
ANCHOR = re.compile(r"anchor\d+")
MTURK_URL = re.compile(r"Input\.recording_(\d+)_url")
# of a file of another tool; what is larger was written by none
MOST_BYTES = 1 << 27
# the MTurk form calls fidelity 'quality'
MTURK_SCALES = {"quality": "fidelity", "musicality": "musicality"}


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes:
        path: of the file.
        ratings: in it.
        added: of them, that were not in the store before.
    """

    path: Path
    ratings: int
    added: int


@dataclass(frozen=True)
class Control:
    """Highest values that someone who listens gives to a control clip."""

    fidelity: float
    musicality: float


def import_files(paths: Sequence[Path], store: Store, manifest: Manifest, design: Design) -> list[Imported]:
    """Take files of the static page into the store; what is there already is not taken twice.

    Args:
        paths: the files that raters sent back.
        store: of people's ratings.
        manifest: of the test.
        design: of the test.

    Raises:
        ListeningError: when a file is none, is of another test, rates what its list does not have, or contradicts what
            is stored or another file. Then nothing of any file is stored.
    """
    read = {path: read_ratings_file(path) for path in paths}
    for path, given in read.items():
        if given.design != design.design:
            raise ListeningError(f"{path} is of another test than the manifest", "give that test's manifest and design")
    store.add_test(manifest, design)
    added = store.take(read)
    return [Imported(path, len(given.ratings), added[path]) for path, given in read.items()]


def read_webmushra(path: Path, rater_column: str | None) -> pd.DataFrame:
    """Read ``mushra.csv``, ``lss.csv`` or ``lms.csv`` of webMUSHRA.

    A stimulus is a system, a trial is an item; training trials are left out.

    Args:
        path: the file.
        rater_column: a column of the questionnaire that distinguishes raters, where the file has no ``session_uuid``.

    Raises:
        ListeningError: when it is another file, or does not say who rated.
    """
    table = _read_csv(path)
    likert = [column for column in table.columns if re.fullmatch(r"stimuli_rating\d*", column)]
    if "rating_score" in table.columns:
        scales, stimulus = {"rating_score": MUSHRA}, "rating_stimulus"
    elif likert:
        scales, stimulus = {column: column.removeprefix("stimuli_") for column in likert}, "stimuli"
    else:
        raise ListeningError(f"{path} is no result of webMUSHRA", "give its mushra.csv, lss.csv or lms.csv")
    if missing := [column for column in ("trial_id", stimulus) if column not in table.columns]:
        raise ListeningError(f"{path} lacks the column {missing[0]}", "give the file as webMUSHRA wrote it")
    rater = rater_column or SESSION
    if rater not in table.columns:
        raise ListeningError(
            f"{path} does not say who rated: it has no column {rater!r}, so no statistics by rater are possible",
            f"name a column of the questionnaire with --rater-column; there are: {shown(list(table.columns))}",
        )
    table = table[table["trial_id"] != "training"]
    systems = table[stimulus]
    kinds = ["real" if name == REFERENCE else "anchor" if ANCHOR.fullmatch(name) else "system" for name in systems]
    comments = table["rating_comment"] if "rating_comment" in table.columns else pd.Series("", index=table.index)
    parts = [
        pd.DataFrame(
            {
                "session": [_hash(name) for name in table[rater]],
                "stimulus": table["trial_id"] + "/" + systems,
                "system": systems,
                "item": _numbers(table["trial_id"]),
                "kind": kinds,
                "scale": scale,
                "value": _values(table[column], path),
                # a comment stands once, not on every scale
                "comment": comments if place == 0 else "",
            }
        )
        for place, (column, scale) in enumerate(scales.items())
    ]
    return _complete(parts, "webmushra")


def read_mturk(paths: Sequence[Path], uids: Path, real: str, controls: Mapping[str, Control]) -> pd.DataFrame:
    """Read the result files of a study made with SaShiMi's kit.

    Args:
        paths: ``Batch_…_batch_results.csv``.
        uids: ``uids.txt``: method, file name and opaque id in every line.
        real: the method that is real music; its files named in ``controls`` are controls.
        controls: highest allowed values by file name.

    Raises:
        ListeningError: when a file is another one, or a clip is not in ``uids``.
    """
    rated = pd.concat([part for path in paths for part in _mturk_clips(path)], ignore_index=True)
    try:
        if uids.stat().st_size > MOST_BYTES:
            raise ListeningError(f"{uids} has more than {MOST_BYTES >> 20} MiB", "give the study's uids.txt")
        known = pd.read_csv(uids, sep=" ", header=None, names=["method", "file", "uid"], dtype=str).set_index("uid")
    except (OSError, ValueError) as error:
        raise ListeningError(f"{uids} cannot be read: {error}", "give the study's uids.txt") from error
    if not known.index.is_unique or known.index.hasnans:
        raise ListeningError(f"{uids} names a clip twice, or lacks a name", "give the study's own uids.txt")
    lost = sorted(set(rated["uid"]) - set(known.index))
    if lost:
        raise ListeningError(
            f"a clip that was rated is not in {uids}: {shown(lost[0])}", "give the study's own uids.txt"
        )
    rated = rated.join(known, on="uid")
    control = (rated["method"] == real) & rated["file"].isin(list(controls))
    kinds = np.select([control, rated["method"] == real], ["control", "real"], "system")
    parts = []
    for column, scale in MTURK_SCALES.items():
        highest = rated["file"].map({name: getattr(control, scale) for name, control in controls.items()})
        parts.append(
            pd.DataFrame(
                {
                    "session": rated["worker"].map(_hash),
                    "stimulus": rated["uid"],
                    "system": rated["method"],
                    "item": _numbers(rated["file"]),
                    "kind": kinds,
                    "scale": scale,
                    "value": _values(rated[column], uids),
                    "comment": "",
                    "lowest": np.where(control, 1.0, np.nan),
                    "highest": np.where(control, highest.astype(float), np.nan),
                }
            )
        )
    return _complete(parts, "mturk")


def _mturk_clips(path: Path) -> list[pd.DataFrame]:
    """What was answered of each clip of a page: worker, uid, quality, musicality."""
    table = _read_csv(path)
    places = [found[1] for column in table.columns if (found := MTURK_URL.fullmatch(column))]
    wanted = [f"Answer.recording_{place}_{name}" for place in places for name in MTURK_SCALES]
    if not places or not {"WorkerId", *wanted} <= set(table.columns):
        raise ListeningError(
            f"{path} is no result of SaShiMi's MTurk form",
            "it needs WorkerId and, of every clip, Input.recording_N_url, Answer.recording_N_quality, …_musicality",
        )
    return [
        pd.DataFrame(
            {
                "worker": table["WorkerId"],
                "uid": table[f"Input.recording_{place}_url"].str.extract(r"([^/]*?)(?:\.wav)?$")[0],
                **{name: table[f"Answer.recording_{place}_{name}"] for name in MTURK_SCALES},
            }
        )
        for place in places
    ]


def parse_control(text: str) -> tuple[str, Control]:
    """Read ``FILE=FIDELITY,MUSICALITY``, the highest values allowed for a control clip.

    Raises:
        ListeningError: when it is written otherwise.
    """
    name, _, values = text.partition("=")
    try:
        fidelity, musicality = (float(value) for value in values.split(","))
    except ValueError as error:
        raise ListeningError(f"--control {text!r} is not understood", "write --control 4.wav=2,2") from error
    if not (np.isfinite(fidelity) and np.isfinite(musicality)):
        raise ListeningError(f"--control {text!r} is not understood", "write --control 4.wav=2,2")
    return name, Control(fidelity, musicality)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ListeningError(f"{path} has more than {MOST_BYTES >> 20} MiB", "give the file as the tool wrote it")
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ListeningError(f"{path} cannot be read as CSV: {error}", "give the file as the tool wrote it") from error


def _values(column: "pd.Series[str]", path: Path) -> "pd.Series[float]":
    values = pd.to_numeric(column.str.strip(), errors="coerce")
    wrongs = column[~np.isfinite(values.astype(float))]
    if len(wrongs):
        wrong = shown(wrongs.iloc[0])
        raise ListeningError(
            f"{path}: {wrong} in {shown(column.name)} is no number", "replace the labels by numbers first"
        )
    return values.astype(float)


def _numbers(names: "pd.Series[str]") -> "pd.Series[int]":
    return pd.Series(np.unique(names, return_inverse=True)[1], index=names.index)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _complete(parts: Sequence[pd.DataFrame], design: str) -> pd.DataFrame:
    """All ratings, with the columns that the other tool does not write; a page is a clip in the order of the file."""
    table = pd.concat(parts, ignore_index=True)
    pages = table.groupby(["session", "scale"], sort=False).cumcount()
    return table.assign(page=pages, position=pages, source="people", design=design)
