"""Two runs side by side on one page: figures and their differences, curves, players, settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import pandas as pd

from descant.errors import SamplingError
from descant.evaluation.charts import chart, javascript
from descant.evaluation.differences import Difference, paired
from descant.evaluation.figure_lines import Line, shown
from descant.evaluation.pages import render
from descant.evaluation.players import Clip, sample_clips
from descant.evaluation.reconstruction import NOISE, OTHER
from descant.evaluation.run_results import RunResults
from descant.statistics import Bootstrap, Interval, mean_interval

# what of a training is drawn, in the order of the page: its metric, the axis, and whether that starts at 0
UNITS = {"bits": "bits per step", "gap": "gap (bits per step)"}


@dataclass(frozen=True)
class MeasureLines:
    """A measure's figures in both runs."""

    measure: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class CurveFigure:
    """A chart of one training in both runs."""

    heading: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A key that differs; empty where a run does not have it."""

    key: str
    first: str
    second: str


@dataclass(frozen=True)
class NetworkChange:
    """What differs in the settings of one network."""

    network: str
    words: str
    settings: Sequence[Setting]


@dataclass(frozen=True)
class HeardModel:
    """The first samples of a model, of both runs."""

    title: str
    words: str
    clips: Sequence[Clip]


def _in_order(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """All names once, in the order of the first run, then of the second."""
    return list(dict.fromkeys((*first, *second)))


def _only_in(first: RunResults, second: RunResults, in_first: bool, in_second: bool) -> str:
    """Which run alone has something; empty when both have it."""
    return "" if in_first and in_second else f"only in {first.name if in_first else second.name}"


def _words(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def model_lines(first: RunResults, second: RunResults, bootstrap: Bootstrap) -> list[Line]:
    """A row a model: bits per sample of each run with its interval, and their difference."""
    lines = []
    for model in _in_order(first.table, second.table):
        rows = [run.table.get(model, {}) for run in (first, second)]
        title = next(row["title"] for row in rows if row) if any("title" in row for row in rows) else model
        reason = _only_in(first, second, bool(rows[0]), bool(rows[1]))
        difference = Difference(None, reason)
        if not reason:
            parts = [run.tracks[run.tracks["model"] == model].drop(columns="model") for run in (first, second)]
            difference = compare_bits(parts[0], parts[1], bootstrap)
        figures = [shown(_interval_of(row), 3) for row in rows]
        lines.append(Line(title, _words(model, difference.reason), [*figures, shown(difference.figure, 3)]))
    return lines


def compare_bits(first: pd.DataFrame, second: pd.DataFrame, bootstrap: Bootstrap) -> Difference:
    """Difference in bits per sample of one model, from its bits by track."""
    if first.empty or second.empty:
        return Difference(None, "not comparable: a run has no bits by track")
    return paired(first, second, ["samples"], "bits", "samples", bootstrap)


def _interval_of(row: Mapping[str, str]) -> Interval | None:
    texts = [row.get(f"bits_per_sample{end}", "").strip() for end in ("", "_low", "_high")]
    value, low, high = (float(text) if text else None for text in texts)
    return None if value is None else Interval(value, low, high)


def stack_lines(first: RunResults, second: RunResults, bootstrap: Bootstrap) -> list[Line]:
    """A row a stack: log-spectral distance of its reconstructions in each run, and their difference."""
    lines = []
    excerpts = [run.excerpts[~run.excerpts["rendering"].isin([OTHER, NOISE])] for run in (first, second)]
    for rendering in _in_order(*(part["rendering"] for part in excerpts)):
        parts = [part[part["rendering"] == rendering].drop(columns="rendering") for part in excerpts]
        reason = _only_in(first, second, not parts[0].empty, not parts[1].empty)
        difference = Difference(None, reason)
        if not reason:
            difference = paired(parts[0], parts[1], ["start", "samples"], "lsd_db", None, bootstrap)
        means = [mean_interval(part["lsd_db"].to_numpy(float), bootstrap) for part in parts]
        figures = [shown(mean, 2) for mean in means]
        lines.append(Line(rendering, difference.reason, [*figures, shown(difference.figure, 2)]))
    return lines


def measure_lines(first: RunResults, second: RunResults) -> list[MeasureLines]:
    """The figures of every measure, as each run's own summary tells them."""
    found = []
    for measure in _in_order(first.measures, second.measures):
        held = [run.measures.get(measure, {}) for run in (first, second)]
        lines = [Line(key, "", [shown(part.get(key), 3) for part in held]) for key in _in_order(*held)]
        if lines:
            found.append(MeasureLines(measure, lines))
    return found


def curve_figures(first: RunResults, second: RunResults) -> list[CurveFigure]:
    """The curves of every training that both runs have, one over the other."""
    figures = []
    for place in _in_order(first.curves, second.curves):
        if place not in first.curves or place not in second.curves:
            continue
        held = {run.name: run.curves[place] for run in (first, second)}
        for metric in (held[first.name].headline, "gap"):
            unit, from_zero = UNITS.get(metric, metric), metric == "gap"
            if all(metric in curves.points for curves in held.values()):
                series = {name: curves.points[metric] for name, curves in held.items()}
                words = f"{unit} of {place} in {first.name} and {second.name}"
                spec = chart(series, unit, words, height=190, from_zero=from_zero)
                figures.append(CurveFigure(f"{place}: {metric}", spec))
    return figures


def network_changes(first: RunResults, second: RunResults) -> list[NetworkChange]:
    """What differs in the settings of every network, as their model files tell."""
    changes = []
    for place in _in_order(first.networks, second.networks):
        held = [run.networks.get(place, {}) for run in (first, second)]
        words = _only_in(first, second, bool(held[0]), bool(held[1]))
        keys = [] if words else [key for key in _in_order(*held) if held[0].get(key) != held[1].get(key)]
        settings = [Setting(key, held[0].get(key, ""), held[1].get(key, "")) for key in keys]
        changes.append(NetworkChange(place, words or ("" if keys else "the same settings and data"), settings))
    return changes


def heard_models(first: RunResults, second: RunResults, show: int) -> list[HeardModel]:
    """The first samples of every model, those of both runs by turns; what cannot be read is told in words."""
    models = []
    for model in _in_order(first.samples, second.samples):
        runs = [run for run in (first, second) if model in run.samples]
        title = next((run.table[model]["title"] for run in runs if "title" in run.table.get(model, {})), model)
        only = _only_in(first, second, model in first.samples, model in second.samples)
        clips, words = [], [f"This model is {only}" if only else ""]
        for run in runs:
            try:
                clips.append([_named(run, clip) for clip in sample_clips(run.samples[model], show)])
            except SamplingError as error:
                words.append(f"{run.name}: {error.problem.replace(str(run.samples[model]), 'its folder')}")
        turns = [clip for pair in zip_longest(*clips) for clip in pair if clip is not None]
        models.append(HeardModel(title, _words(*words), turns))
    return models


def _named(run: RunResults, clip: Clip) -> Clip:
    return replace(clip, name=f"{run.name}: {clip.name}")


def compare_html(first: RunResults, second: RunResults, bootstrap: Bootstrap, show: int) -> str:
    """The page as HTML.

    Args:
        first: a run.
        second: another; differences are its figures minus those of the first.
        bootstrap: how the intervals of the differences are drawn.
        show: samples of a model and run, at most.
    """
    values = {
        "first": first,
        "second": second,
        "models": model_lines(first, second, bootstrap),
        "stacks": stack_lines(first, second, bootstrap),
        "measures": measure_lines(first, second),
        "curves": curve_figures(first, second),
        "networks": network_changes(first, second),
        "heard": heard_models(first, second, show),
        "confidence": f"{100 * bootstrap.confidence:g}\N{NO-BREAK SPACE}%",
        "javascript": javascript(),
    }
    return render("compare.html", values)
