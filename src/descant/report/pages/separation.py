"""The page on which mixes and the stems that were separated from them are listened to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
import soxr

from descant.audio.files import AudioFileError
from descant.corpus.decode import track_file
from descant.errors import CorpusError
from descant.evaluation.material import spread_evenly
from descant.formatting import clock, count, decimal
from descant.parquet import read_own
from descant.report.blocks import Block, Clip, Clips, Items, Page, Section, Text
from descant.report.clips import clip_of
from descant.report.registry import Builder
from descant.results import Given
from descant.separation.shard import STEMS

SHOWN_FAILURES = 20
HIGHEST_RATE = 48000
FOOT = (
    "The players hold 16-bit excerpts; their spectrograms are of both channels' mean. Levels are energies over the "
    "mix's. RMS is over the whole excerpt; silent means below −60 dBFS for 50 ms."
)


class SeparationGiven(Given):
    """What the page is made from.

    Attributes:
        stems: tables of stems that ``separate`` wrote, all shards.
        mixes: folders of the tracks before separation, in the same order.
        separated: folders of the stems, in the same order.
        show: tracks on the page, at most.
        seconds: length of an excerpt, at most.
    """

    stems: list[Path]
    mixes: list[Path]
    separated: list[Path]
    show: int = 3
    seconds: float = 10.0


def read_stems(tables: Sequence[Path]) -> pd.DataFrame:
    """What separation measured: a row a track, with the number of its ``shard``, sorted by source.

    Raises:
        ResultError: when a table cannot be read.
    """
    frames: list[pd.DataFrame] = [read_own(path, STEMS).to_pandas().assign(shard=n) for n, path in enumerate(tables)]
    return pd.concat(frames).sort_values(["source", "track"], ignore_index=True)


def read_excerpt(folder: Path, track: str, start: float, seconds: float) -> tuple[npt.NDArray[np.float32], int]:
    """Read so many seconds of a track, less at its end: float32 ``(frames, channels)``, and the sample rate in Hz.

    Raises:
        AudioFileError: when it cannot be read.
    """
    path = track_file(folder, track)
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(min(round(start * file.samplerate), file.frames))
            audio = file.read(round(seconds * file.samplerate), dtype="float32", always_2d=True)
            return audio[:, :2], file.samplerate
    except soundfile.SoundFileError as error:
        raise AudioFileError(f"{path} cannot be read: {error}", "run the stage that makes it again") from error


def summary(kept: pd.DataFrame, failed: pd.DataFrame) -> str:
    """How many tracks were separated, by what, and how much of them is vocals, in one line."""
    every = pd.concat([kept, failed])
    if every.empty:
        return "No track was separated."
    words = f"{every['stem'].iloc[0].capitalize()} of {count(len(kept), 'track')}, separated by "
    words += " and ".join(sorted(set(every["separator"])))
    words += f"; {count(len(failed), 'track')} set aside." if len(failed) else "."
    levels = kept["vocal_level_db"].dropna()
    middle = f" The vocals in them: {decimal(levels.median(), 1)} dB of the mix (median)." if len(levels) else ""
    return words + middle


def measured(row: Mapping[Any, Any]) -> str:
    """What was measured of a track, in words."""
    levels = {"vocals": row["vocal_level_db"], "what was taken away": row["removed_db"]}
    parts = [f"{name} at {decimal(value, 1)} dB" for name, value in levels.items() if pd.notna(value)]
    if pd.notna(row["bandwidth_hz"]):
        parts.append(f"stem up to {row['bandwidth_hz'] / 1000:.1f} kHz")
    return ", ".join([*parts, *([row["remark"]] if row["remark"] else [])])


def _track(row: Mapping[Any, Any], given: SeparationGiven) -> Section:
    start = max(0.0, (row["seconds"] - given.seconds) / 2)
    clips: list[Clip] = []
    for name, folders in (("Mix", given.mixes), (str(row["stem"]).capitalize(), given.separated)):
        audio, rate = read_excerpt(folders[row["shard"]], row["track"], start, given.seconds)
        if rate > HIGHEST_RATE:
            # FLAC does not know every rate beyond it
            audio, rate = soxr.resample(audio, rate, HIGHEST_RATE), HIGHEST_RATE
        clips.append(clip_of(name, f"from {clock(start)}", audio, rate, f"{row['source']} · {name.lower()}"))
    return Section(row["source"], [Text(measured(row), "quiet small"), Clips(clips)])


def build(given: SeparationGiven) -> Page:
    """The page: excerpts from the middle of a few tracks, spread evenly over the corpus.

    Raises:
        CorpusError: when a table cannot be read, or not one of each is given for a shard.
        AudioFileError: when a track cannot be read.
    """
    if not len(given.stems) == len(given.mixes) == len(given.separated):
        raise CorpusError("stems, mixes and separated differ in number", "give one of each for a shard")
    stems = read_stems(given.stems)
    kept, failed = stems[stems["failure"] == ""], stems[stems["failure"] != ""]
    shown = spread_evenly(kept.to_dict("records"), given.show)
    failures = [f"{row['source']}: {row['failure']}" for row in failed.head(SHOWN_FAILURES).to_dict("records")]
    if len(failed) > SHOWN_FAILURES:
        failures.append(f"and {count(len(failed) - SHOWN_FAILURES, 'more track')}, all in tracks.csv")
    which = "All tracks" if len(shown) == len(kept) else f"{count(len(shown), 'track')} of {len(kept):,}"
    words = (
        f"{which}, {given.seconds:g} s from the middle at most; none was chosen by ear. What the models learn from is "
        "the stem, mixed to mono and resampled."
    )
    blocks: list[Block] = [
        Text(summary(kept, failed), "lead"),
        *([Text(words, "quiet")] if shown else []),
        *(_track(row, given) for row in shown),
        *([Section("Not separated", [Items(failures)])] if failures else []),
        Text(FOOT, "quiet small"),
    ]
    return Page("Separation", blocks)


PAGE = Builder(SeparationGiven, build)
