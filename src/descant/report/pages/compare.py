"""Two runs side by side on one page: figures and their differences, curves, players, settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import pandas as pd

from descant.errors import SamplingError
from descant.evaluation.bar import passing_in_words
from descant.evaluation.differences import Difference, paired
from descant.evaluation.reconstruction import NOISE, OTHER
from descant.formatting import level
from descant.report.blocks import (
    Block,
    Cell,
    Clip,
    Clips,
    Column,
    Grid,
    Items,
    Line,
    Page,
    Section,
    Table,
    Text,
    chart_section,
    figures,
    interval_cell,
)
from descant.report.charts import WHOLE, Axis, Legends, line_chart
from descant.report.clips import sample_clips
from descant.report.metrics import WEIGHTS
from descant.report.runs import RunResults
from descant.statistics import Bootstrap, Interval, mean_interval

# titles of axes, where the metric's name says too little
UNITS = {"bits": "bits per step", "gap": "gap (bits per step)"}
MODELS = (
    "Bits per sample of test tracks, at most: lower is better. Where the interval of the difference holds 0, neither "
    "run is better."
)
RECONSTRUCTIONS = (
    "Log-spectral distance between excerpts of test tracks and what each stack makes of their codes, in dB: lower is "
    "nearer."
)
MEASURES = "From each run's summaries; what they mean stands on the pages of the runs' own reports."
CURVES = (
    "Thick lines with points are validation, thin ones training windows. Bits compare where both trainings learn the "
    "same sequence; codes of two trainings are two sequences."
)
SETTINGS = (
    "From the model files themselves; what is not listed here is equal. Settings of the corpus or of sampling stand in "
    "no model file; other music shows as another data fingerprint."
)
DRAWN = "The first that were drawn; none was chosen by ear."


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
        title = next((row["title"] for row in rows if "title" in row), model)
        difference = Difference(None, _only_in(first, second, bool(rows[0]), bool(rows[1])))
        if not difference.reason:
            parts = [run.tracks[run.tracks["model"] == model].drop(columns="model") for run in (first, second)]
            difference = compare_bits(parts[0], parts[1], bootstrap)
        cells = [*(interval_cell(_interval_of(row), 3) for row in rows), interval_cell(difference.figure, 3)]
        lines.append(Line(title, cells, _words(model, difference.reason)))
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
        difference = Difference(None, _only_in(first, second, not parts[0].empty, not parts[1].empty))
        if not difference.reason:
            difference = paired(parts[0], parts[1], ["start", "samples"], "lsd_db", None, bootstrap)
        means = [mean_interval(part["lsd_db"].to_numpy(float), bootstrap) for part in parts]
        cells = [*(interval_cell(mean, 2) for mean in means), interval_cell(difference.figure, 2)]
        lines.append(Line(rendering, cells, difference.reason))
    return lines


def measure_tables(first: RunResults, second: RunResults) -> list[Table]:
    """The figures of every measure, as each run's own summary has them."""
    tables = []
    for measure in _in_order(first.measures, second.measures):
        held = [run.measures.get(measure, {}) for run in (first, second)]
        lines = [Line(key, [interval_cell(part.get(key), 3) for part in held]) for key in _in_order(*held)]
        if lines:
            tables.append(figures(measure, ["Figure", first.name, second.name], lines))
    return tables


def curves(first: RunResults, second: RunResults) -> list[Section]:
    """The curves of every training that both runs have, one over the other."""
    charts = []
    for place in [place for place in first.curves if place in second.curves]:
        held = {run.name: run.curves[place] for run in (first, second)}
        for metric in dict.fromkeys((*(metrics.headline for metrics in held.values()), "gap")):
            unit = UNITS.get(metric, metric.replace("_", " "))
            if all(metrics.has(metric) for metrics in held.values()):
                lines = [line for name, metrics in held.items() for line in metrics.lines(name, metric)]
                words = f"{unit} of {place} in {first.name} and {second.name}"
                axes = Axis("training steps", zero=True, form=WHOLE), Axis(unit, zero=metric == "gap")
                spec = line_chart(lines, *axes, words, 190, Legends("run", "split"), WEIGHTS)
                charts.append(chart_section(f"{place}: {metric}", words, spec))
    return charts


def network_changes(first: RunResults, second: RunResults) -> list[Section]:
    """What differs in the settings of every network, from their model files."""
    changes = []
    for place in _in_order(first.networks, second.networks):
        held = [run.networks.get(place, {}) for run in (first, second)]
        words = _only_in(first, second, bool(held[0]), bool(held[1]))
        keys = [] if words else [key for key in _in_order(*held) if held[0].get(key) != held[1].get(key)]
        columns = [Column("Key"), Column(first.name, words=True), Column(second.name, words=True)]
        lines = [Line(key, [Cell(part.get(key, "")) for part in held]) for key in keys]
        table = Table(f"Settings of {place}", columns, lines)
        changes.append(Section(place, [table if keys else Text(words or "the same settings and data", "quiet")]))
    return changes


def heard_models(first: RunResults, second: RunResults, show: int) -> list[Section]:
    """The first samples of every model, those of both runs by turns; what cannot be read is said in words."""
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
        about = f"{DRAWN} {_words(*words)}." if _words(*words) else DRAWN
        models.append(Section(f"{title}: samples", [Text(about, "quiet"), Clips(turns, beside=True)]))
    return models


def _named(run: RunResults, clip: Clip) -> Clip:
    return replace(clip, name=f"{run.name}: {clip.name}")


def passing(first: RunResults, second: RunResults) -> str:
    """Which rows of each run pass its untrained one; empty where neither has one."""
    words = {run.name: passing_in_words(run.table.values()) for run in (first, second)}
    return " ".join(f"{name}: {said}" for name, said in words.items() if said)


def _compared(heading: str, words: str, caption: str, names: Sequence[str], lines: Sequence[Line]) -> list[Section]:
    if not lines:
        return []
    return [Section(heading, [Text(words), figures(caption, [*names, "Difference"], lines)])]


def compare(first: RunResults, second: RunResults, bootstrap: Bootstrap, show: int) -> Page:
    """The page of two runs; differences are the second's figures minus those of the first."""
    lead = (
        f"Two runs side by side. A difference is {second.name} minus {first.name}; in brackets stand "
        f"{level(bootstrap.confidence)} intervals over test tracks, paired by track for a difference."
    )
    missing = [f"{run.name}: {reason}" for run in (first, second) for reason in run.missing]
    bits = f"{MODELS} {passing(first, second)}".strip()
    models, measures = model_lines(first, second, bootstrap), measure_tables(first, second)
    stacks, changes = stack_lines(first, second, bootstrap), network_changes(first, second)
    drawn, names = curves(first, second), [first.name, second.name]
    no_model = Text("Neither run has a model file.", "quiet")
    no_table = Section("Models", [Text("Neither run has a table.", "quiet")])
    blocks: list[Block] = [
        Text(lead, "lead"),
        *([Section("What is not there", [Items(missing)])] if missing else []),
        *(_compared("Models", bits, "Bits per sample, at most", ["Model", *names], models) or [no_table]),
        *_compared("Reconstructions", RECONSTRUCTIONS, "Log-spectral distance, dB", ["Stack", *names], stacks),
        *([Section("Measures", [Text(MEASURES), *measures])] if measures else []),
        *heard_models(first, second, show),
        Section(
            "Training",
            [Text(CURVES, "quiet"), Grid([[chart] for chart in drawn])]
            if drawn
            else [Text("The runs share no training.", "quiet")],
        ),
        Section(
            "What differs in their settings",
            [Text(SETTINGS, "quiet small"), *changes, *([] if changes else [no_model])],
        ),
    ]
    return Page(f"{first.name} and {second.name}", blocks, "broad")
