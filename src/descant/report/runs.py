"""What a finished run left in its results: all that can be compared with another run's."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from safetensors import SafetensorError, safe_open

from descant.errors import DescantError, ModelFileError, RunError
from descant.modelfacts import KEY
from descant.report.metrics import Metrics, read_metrics
from descant.results import CURE, read_table
from descant.statistics import Interval

T = TypeVar("T")
TRACK_COLUMNS = ["model", "track", "samples", "bits"]
EXCERPT_COLUMNS = ["rendering", "track", "start", "samples", "snr_db", "lsd_db"]
# the others are numbers
TEXT_COLUMNS = ("model", "rendering", "track")
FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class RunResults:
    """The parts of a run that are there; those that are not are empty, and named.

    Attributes:
        name: what people call it.
        table: rows of the table by model.
        tracks: bits of every model and test track, ``TRACK_COLUMNS``.
        excerpts: of the reconstructions, ``EXCERPT_COLUMNS``.
        curves: metrics of every training by its name.
        networks: settings of every network by the same, flat: ``training.steps``.
        measures: figures of every measure's summary, by its name and dotted key.
        samples: folder of the audio of every model.
        missing: what is not there, or cannot be read, and why.
    """

    name: str
    table: Mapping[str, Mapping[str, str]]
    tracks: pd.DataFrame
    excerpts: pd.DataFrame
    curves: Mapping[str, Metrics]
    networks: Mapping[str, Mapping[str, str]]
    measures: Mapping[str, Mapping[str, Interval]]
    samples: Mapping[str, Path]
    missing: Sequence[str]


def run_names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' names; where these are equal, A and B distinguish them.

    Raises:
        RunError: when both are one folder.
    """
    if first.resolve() == second.resolve():
        raise RunError("both runs are the same folder", "give the working directories of two runs")
    names = first.resolve().name, second.resolve().name
    return (f"{names[0]} (A)", f"{names[1]} (B)") if names[0] == names[1] else names


def read_run(folder: Path, name: str) -> RunResults:
    """Read what a run left in its working directory.

    Raises:
        RunError: when it holds no results.
    """
    results = folder / "results"
    if not results.is_dir():
        raise RunError(
            f"{folder.name} holds no folder results/", "give the working directory that snakemake ran in (--directory)"
        )
    missing: list[str] = []

    def part(what: str, path: Path, read: Callable[[Path], T]) -> T | None:
        if not path.exists():
            missing.append(f"{what}: {path.relative_to(folder)} is not there")
            return None
        try:
            return read(path)
        except DescantError as error:
            # a problem names its file, and a page no folder of the machine
            missing.append(f"{what}: {error.problem.replace(str(folder), name)}")
            return None

    def parts(pattern: str, read: Callable[[Path], T], what: str = "{}") -> dict[str, T]:
        paths = {path.parent.name: path for path in sorted(results.glob(pattern))}
        found = {place: part(what.format(place), path, read) for place, path in paths.items()}
        return {place: one for place, one in found.items() if one is not None}

    def frame(what: str, path: Path, columns: list[str]) -> pd.DataFrame:
        found = part(what, path, partial(_frame, columns=columns))
        return pd.DataFrame(columns=columns) if found is None else found

    table = part("the table", results / "table/table.csv", _table) or []
    found = RunResults(
        name=name,
        table={row["model"]: row for row in table if "model" in row},
        tracks=frame("bits by track", results / "table/tracks.csv", TRACK_COLUMNS),
        excerpts=frame("reconstructions", results / "evaluation/reconstruction/excerpts.csv", EXCERPT_COLUMNS),
        measures=parts("evaluation/*/summary.json", read_figures),
        networks=parts("training/*/model.safetensors", network_settings),
        curves=parts("training/*/metrics.csv", partial(read_metrics, validated=True), "curves of {}"),
        samples={path.parts[-3]: path.parent for path in sorted(results.glob("samples/*/audio/samples.csv"))},
        missing=missing,
    )
    if not any(results.glob("training/*/model.safetensors")):
        missing.append("networks: there is no model.safetensors in results/training")
    if not found.samples:
        missing.append("samples: there is no audio in results/samples")
    return found


def read_figures(path: Path) -> Mapping[str, Interval]:
    """Every number of a measure's summary by its dotted key; what was not measured is left out.

    Raises:
        RunError: when it cannot be read.
    """
    try:
        return dict(_figures(json.loads(path.read_text(encoding="utf-8")), ""))
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", CURE) from error


def _figures(summary: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Interval]]:
    for key, value in summary.items():
        if isinstance(value, Mapping) and isinstance(value.get("value"), int | float):
            yield f"{prefix}{key}", Interval(value["value"], value.get("low"), value.get("high"))
        elif isinstance(value, Mapping):
            yield from _figures(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", Interval(float(value), None, None)


def network_settings(path: Path) -> Mapping[str, str]:
    """What a model file says of its network, flat, as text, whatever version wrote it; hashes are cut short.

    Raises:
        ModelFileError: when it cannot be read.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}", CURE) from error
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{path} is no model file of this pipeline", CURE) from error
    given, inputs = facts.pop("settings", {}), facts.pop("inputs", [])
    shown = {**flat({"inputs": {each["stream"]: each for each in inputs}}), **flat(facts), **flat(given)}
    return {key: value[:FINGERPRINT_DIGITS] if key.endswith("fingerprint") else value for key, value in shown.items()}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted keys with their values as text."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = "empty" if value is None else str(value)
    return found


def _table(path: Path) -> list[dict[str, str]]:
    rows = read_table(path)
    try:
        for row in rows:
            for end in ("", "_low", "_high"):
                float(row.get(f"bits_per_sample{end}", "").strip() or 0)
    except ValueError as error:
        raise RunError(f"{path.name} cannot be read: {error}", CURE) from error
    return rows


def _frame(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        types = {name: str if name in TEXT_COLUMNS else float for name in columns}
        return pd.read_csv(path, usecols=columns, dtype=types)
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", CURE) from error
