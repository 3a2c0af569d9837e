"""The page on which mixes and the stems that were separated from them are listened to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
import soxr

from descant.audio.clips import flac_bytes
from descant.audio.facts import sample_facts
from descant.audio.files import AudioFileError
from descant.errors import CorpusError
from descant.evaluation.figures import mel_figure
from descant.evaluation.pages import render
from descant.evaluation.players import Clip, make_clip
from descant.formatting import count

COLUMNS = [
    "track",
    "source",
    "separator",
    "stem",
    "seconds",
    "removed_db",
    "vocal_level_db",
    "bandwidth_hz",
    "failure",
    "remark",
]
SHOWN_FAILURES = 20
HIGHEST_RATE = 48000
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class ShownTrack:
    """A track to listen to.

    Attributes:
        name: of its source.
        measured: what separation measured of it, in words.
        clips: of the mix and of the stem.
    """

    name: str
    measured: str
    clips: Sequence[Clip]


@dataclass(frozen=True)
class SeparationPage:
    """All that stands on the page; see ``templates/separation.html``."""

    title: str
    summary: str
    shown: str
    tracks: Sequence[ShownTrack]
    failures: Sequence[str]


def read_stems(tables: Sequence[Path]) -> pd.DataFrame:
    """Read what separation measured of every track.

    Args:
        tables: of all shards.

    Returns:
        A row a track, with ``COLUMNS`` and the number of its ``shard``, sorted by source.

    Raises:
        CorpusError: when a table cannot be read.
    """
    try:
        frames = [pd.read_parquet(path, columns=COLUMNS).assign(shard=n) for n, path in enumerate(tables)]
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(
            f"a table of stems cannot be read: {error}", "delete results/corpus/stems and run snakemake again"
        ) from error
    return pd.concat(frames).sort_values(["source", "track"], ignore_index=True)


def read_excerpt(folder: Path, track: str, start: float, seconds: float) -> tuple[npt.NDArray[np.float32], int]:
    """Read part of a track.

    Args:
        folder: with ``<track>.flac`` or ``<track>.wav``.
        track: its id.
        start: seconds.
        seconds: length; less at the end of the track.

    Returns:
        float32 ``(frames, channels)``, and the sample rate in Hz.

    Raises:
        AudioFileError: when it cannot be read.
    """
    path = next((path for end in (".flac", ".wav") if (path := folder / f"{track}{end}").is_file()), None)
    if path is None:
        raise AudioFileError(f"{folder} has no audio of track {track}", "run the stage that makes it again")
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(min(round(start * file.samplerate), file.frames))
            audio = file.read(round(seconds * file.samplerate), dtype="float32", always_2d=True)
            return audio[:, :2], file.samplerate
    except soundfile.SoundFileError as error:
        raise AudioFileError(f"{path} cannot be read: {error}", "run the stage that makes it again") from error


def build_page(
    stems: pd.DataFrame, mixes: Sequence[Path], separated: Sequence[Path], show: int, seconds: float
) -> SeparationPage:
    """Gather the page: excerpts from the middle of a few tracks, spread evenly over the corpus.

    Args:
        stems: of :func:`read_stems`.
        mixes: folders of the tracks before separation, a shard each.
        separated: folders of the stems, in the same order.
        show: tracks at most.
        seconds: of an excerpt, at most.

    Raises:
        AudioFileError: when a track cannot be read.
    """
    kept = stems[stems["failure"] == ""].reset_index(drop=True)
    failed = stems[stems["failure"] != ""]
    rows = [row_at(kept, place * len(kept) // show) for place in range(show)] if len(kept) > show else rows_of(kept)
    failures = [f"{row['source']}: {row['failure']}" for row in rows_of(failed.head(SHOWN_FAILURES))]
    if len(failed) > SHOWN_FAILURES:
        failures.append(f"and {count(len(failed) - SHOWN_FAILURES, 'more track')}, all in tracks.csv")
    told = "All tracks" if len(rows) == len(kept) else f"{count(len(rows), 'track')} of {len(kept):,}"
    return SeparationPage(
        title="Separation",
        summary=summary(kept, failed),
        shown=f"{told}, {seconds:g} s from the middle at most; none was chosen by ear.",
        tracks=[_shown(row, mixes[row["shard"]], separated[row["shard"]], seconds) for row in rows],
        failures=failures,
    )


def rows_of(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Rows of a table as mappings."""
    return [row_at(frame, place) for place in range(len(frame))]


def row_at(frame: pd.DataFrame, place: int) -> Mapping[str, Any]:
    """A row of a table as a mapping."""
    return {str(name): value for name, value in frame.iloc[place].items()}


def summary(kept: pd.DataFrame, failed: pd.DataFrame) -> str:
    """How many tracks were separated, by what, and how much of them is vocals, in one line."""
    every = pd.concat([kept, failed])
    if every.empty:
        return "No track was separated."
    told = f"{every['stem'].iloc[0].capitalize()} of {count(len(kept), 'track')}, separated by "
    told += " and ".join(sorted(set(every["separator"])))
    told += f"; {count(len(failed), 'track')} set aside." if len(failed) else "."
    levels = kept["vocal_level_db"].dropna()
    return f"{told} The vocals in them: {decibels(levels.median())} of the mix (median)." if len(levels) else told


def decibels(level: float) -> str:
    """A level with its unit and a true minus sign."""
    return f"{level:.1f} dB".replace("-", MINUS)


def measured(row: Mapping[str, Any]) -> str:
    """What was measured of a track, in words."""
    levels = {"vocals": row["vocal_level_db"], "what was taken away": row["removed_db"]}
    told = [f"{name} at {decibels(level)}" for name, level in levels.items() if pd.notna(level)]
    if pd.notna(row["bandwidth_hz"]):
        told.append(f"stem up to {row['bandwidth_hz'] / 1000:.1f} kHz")
    if row["remark"]:
        told.append(row["remark"])
    return ", ".join(told)


def _shown(row: Mapping[str, Any], mixes: Path, separated: Path, seconds: float) -> ShownTrack:
    start = max(0.0, (row["seconds"] - seconds) / 2)
    minutes, rest = divmod(int(start), 60)
    clips = []
    for name, folder in (("Mix", mixes), (str(row["stem"]).capitalize(), separated)):
        audio, rate = read_excerpt(folder, row["track"], start, seconds)
        if rate > HIGHEST_RATE:
            # FLAC does not know every rate beyond it
            audio, rate = soxr.resample(audio, rate, HIGHEST_RATE), HIGHEST_RATE
        mono = audio.mean(axis=1)
        figure = mel_figure(mono, rate, f"{row['source']} · {name.lower()}")
        clips.append(
            make_clip(name, f"from {minutes}:{rest:02}", sample_facts(mono, rate), flac_bytes(audio, rate), figure)
        )
    return ShownTrack(row["source"], measured(row), clips)


def separation_html(page: SeparationPage) -> str:
    """The page as HTML."""
    return render("separation.html", {"page": page})
