"""The table of Mel2Mels: losses near the end of each training, beside those of Kim's dissertation (2019, chapter 5)."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from descant.config.mel2mel import Loss
from descant.config.models import Ablation
from descant.formatting import count
from descant.results import Given, MetricsRow, ModelRow, Rows, Summary, read_rows

# every Mel2Mel is validated by it, whichever loss it learns
METRIC: Loss = "tanh_log_abs"
# as the dissertation prints it
FACTOR = 1000
LEGEND = (
    "Measured here: the squared error of tanh(log-mel / 4), times 1,000, as mean ± standard deviation over what was "
    "logged in the last tenth of training. Training losses are of single batches; validation losses are of the same "
    "windows of held-out pieces each time, and of the moving average of the weights where there is one. The deviation "
    "is over steps of one training from one seed: it is no interval over pieces, whose losses are not kept apart, nor "
    "over seeds."
)
PAPER_LEGEND = (
    "The dissertation's columns (Kim 2019, chapter 5) are of its own networks, of another size and trained on other "
    "data: a reference for the order of the variants, not for their losses."
)


class Mel2MelTraining(ModelRow):
    """A row: where the metrics of its training are, and what is known of it.

    Attributes:
        metrics: ``metrics.csv``.
        steps: that the training was to take.
        parameters: of its network.
        paper: what the dissertation prints, or None.
    """

    metrics: Path
    steps: int
    parameters: int
    paper: Ablation | None = None


class TableGiven(Given):
    """What the table is made from."""

    rows: Rows[Mel2MelTraining]


@dataclass(frozen=True)
class Line:
    """A row of the table; losses are :data:`METRIC` times :data:`FACTOR`, None where there is no figure.

    Attributes:
        model: its name in the configuration.
        title: what people call it.
        parameters: of its network.
        steps: last step with a figure; 0 without any.
        train: mean over the batches logged in the last tenth of training.
        train_sd: standard deviation of them, with n - 1; None of fewer than two.
        train_figures: how many these are.
        validation: mean over the validations there.
        validation_sd: standard deviation of them, as above.
        validation_figures: how many these are.
        paper_train: what the dissertation prints, over its checkpoints.
        paper_train_plus_minus: standard deviation, as printed.
        paper_validation: as above.
        paper_validation_plus_minus: as above.
    """

    model: str
    title: str
    parameters: int
    steps: int
    train: float | None
    train_sd: float | None
    train_figures: int
    validation: float | None
    validation_sd: float | None
    validation_figures: int
    paper_train: float | None
    paper_train_plus_minus: float | None
    paper_validation: float | None
    paper_validation_plus_minus: float | None


class Mel2MelSummary(Summary):
    """The table as other pages read it."""

    rows: list[Line]


def summarise(given: TableGiven) -> Mel2MelSummary:
    """Read the metrics of every training.

    Raises:
        ResultError: when one cannot be read.
    """
    lines, missing = zip(*map(_line, given.rows), strict=True)
    return Mel2MelSummary(rows=list(lines), missing=[words for gaps in missing for words in gaps])


def _line(row: Mel2MelTraining) -> tuple[Line, list[str]]:
    """A row, and what is lacking of it."""
    rows = read_rows(MetricsRow, row.metrics)
    last = max((found.step for found in rows), default=0)
    # of what was to be: a training that is short has no end
    late = [found for found in rows if found.metric == METRIC and 10 * found.step >= 9 * row.steps]
    missing = [f"{row.title}: trained for {last:,} of {row.steps:,} steps"] if last < row.steps else []
    spreads = []
    for split, noun in (("train", "training figure"), ("validation", "validation")):
        losses = [FACTOR * found.value for found in late if found.split == split and math.isfinite(found.value)]
        deviation = statistics.stdev(losses) if len(losses) > 1 else None
        spreads.append((statistics.fmean(losses) if losses else None, deviation, len(losses)))
        if deviation is None:
            lacks = "no deviation" if losses else "no figure"
            missing.append(f"{row.title}: {count(len(losses), noun)} in the last tenth of training, so {lacks}")
    printed = (row.paper.train, row.paper.validation) if row.paper else ()
    paper = [value for loss in printed for value in (loss.mean, loss.plus_minus)] or (None,) * 4
    return Line(row.model, row.title, row.parameters, last, *spreads[0], *spreads[1], *paper), missing


def has_paper(lines: Sequence[Line]) -> bool:
    """Whether the dissertation prints any of the rows."""
    return any(line.paper_train is not None for line in lines)


def to_markdown(summary: Mel2MelSummary) -> str:
    """The table as Markdown, with its legend and what is missing under it."""
    lines = summary.rows
    shown = pd.DataFrame({"Network": [line.title.replace("|", "\\|") for line in lines]})
    shown["parameters"] = [f"{line.parameters:,}" for line in lines]
    shown["steps"] = [f"{line.steps:,}" for line in lines]
    shown["training loss ×10³"] = [_within(line.train, line.train_sd) for line in lines]
    shown["validation loss ×10³"] = [_within(line.validation, line.validation_sd) for line in lines]
    if has_paper(lines):
        shown["dissertation: training"] = [_within(line.paper_train, line.paper_train_plus_minus) for line in lines]
        printed = [_within(line.paper_validation, line.paper_validation_plus_minus) for line in lines]
        shown["dissertation: validation"] = printed
    text = shown.to_markdown(index=False, disable_numparse=True)
    legends = [LEGEND, *([PAPER_LEGEND] if has_paper(lines) else [])]
    return "\n\n".join([text, *legends, *summary.missing]) + "\n"


def _within(mean: float | None, deviation: float | None) -> str:
    if mean is None:
        return "–"
    return f"{mean:.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")
