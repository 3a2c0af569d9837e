"""Training curves on one page: every ADA beside the others, every prior beside the others."""

import math
from collections.abc import Mapping
from pathlib import Path

from descant.errors import PageError
from descant.formatting import decimal
from descant.report.blocks import Block, Cell, Line, Page, Section, Text, chart_section, figures
from descant.report.charts import WHOLE, Axis, Legends, line_chart
from descant.report.mel2mel import mel2mel_section
from descant.report.metrics import WEIGHTS, Metrics, read_metrics
from descant.report.registry import Builder
from descant.results import Given

READING = (
    "Thick lines with points are validation, on tracks that are not trained on; thin lines are the training windows. "
    "The pointer shows the figures of a point; a click in a legend singles a training out."
)
COST = "Cost of a step of the sequence that a training learns, in bits; lower is better."
CAUTION = "Trainings on different sequences do not compare by it: the table does that."
OF_CODES = (
    ("Codes in use", "perplexity", "perplexity (codes)",
     "How many codes would be in use, were all used equally often; higher carries more."),
    ("What the codes are worth", "gap", "gap (bits per step)",
     "Bits per step with shuffled codes, minus bits with the true ones; at 0 the codes are ignored."),
)  # fmt: skip


class CurvesGiven(Given):
    """What the page is made from: the metrics of every training by its name, and the table of Mel2Mels, if any."""

    metrics: dict[str, Path]
    mel2mel: Path | None = None


def _group(
    heading: str, lead: str, trainings: Mapping[str, Metrics], title: str, unit: str, about: str
) -> list[Section]:
    """Trainings that compare, by the figure that they are watched by; none where there are none."""
    if not trainings:
        return []
    headline = next(iter(trainings.values())).headline
    of_codes = [one for one in OF_CODES if any(metrics.has(one[1]) for metrics in trainings.values())]
    charts = []
    for name, metric, axis, words in ((title, headline, unit, about), *of_codes):
        lines = [line for key, metrics in trainings.items() for line in metrics.lines(key, metric)]
        main = metric == headline
        axes = Axis("training steps", zero=True, form=WHOLE), Axis(axis, zero=not main)
        spec = line_chart(lines, *axes, words, 260 if main else 190, Legends("training", weights="split"), WEIGHTS)
        charts.append(chart_section(name, words, spec, heading))
    columns = [unit[:1].upper() + unit[1:], *(axis[:1].upper() + axis[1:] for _, _, axis, _ in of_codes)]
    last = [abs(value) for metrics in trainings.values() if (value := metrics.last(headline))]
    # three figures of the smallest, however small
    digits = {headline: max(3, 2 - math.floor(math.log10(min(last, default=1)))), "perplexity": 1, "gap": 3}
    shown = [headline, *(metric for _, metric, _, _ in of_codes)]
    rows = [
        Line(name, [Cell(f"{metrics.steps:,}"), *(Cell(decimal(metrics.last(key), digits[key])) for key in shown)])
        for name, metrics in trainings.items()
    ]
    return [Section(heading, [Text(lead), *charts, figures("Last validation", ["Training", "Steps", *columns], rows)])]


def build(given: CurvesGiven) -> Page:
    """The page: what draws given codes, then priors; a part with nothing in it is left out.

    Raises:
        PageError: when no training is given.
    """
    if not given.metrics:
        raise PageError("no training is given", "give the metrics of at least one")
    read = {name: read_metrics(path, validated=True) for name, path in given.metrics.items()}
    # only what draws given codes has codes to be worth something
    adas = {name: metrics for name, metrics in read.items() if metrics.has("gap")}
    priors = {name: metrics for name, metrics in read.items() if name not in adas and metrics.headline == "bits"}
    ada = (
        "Networks that draw a sequence given a shorter one of codes: autoregressive discrete autoencoders (ADAs), "
        "which make these codes themselves, and Jukebox's upsamplers, which are given those of the level above."
    )
    prior = "Models of a sequence with nothing above it: of audio, or of the top codes."
    unit = "bits per step"
    blocks: list[Block] = [
        Text(READING, "quiet"),
        *_group("Given codes", ada, adas, "Bits", unit, f"{COST} The codes are given. {CAUTION}"),
        *_group("Priors", prior, priors, "Bits", unit, f"{COST} {CAUTION}"),
    ]
    others = {name: metrics for name, metrics in read.items() if name not in adas and name not in priors}
    for headline in dict.fromkeys(metrics.headline for metrics in others.values()):
        alike = {name: metrics for name, metrics in others.items() if metrics.headline == headline}
        name = headline.replace("_", " ")
        words = f"What these trainings are watched by: {name}; lower is better."
        blocks += _group(name.capitalize(), words, alike, name, name, words)
    if given.mel2mel is not None:
        blocks.append(mel2mel_section(given.mel2mel))
    return Page("Training curves", blocks)


PAGE = Builder(CurvesGiven, build)
