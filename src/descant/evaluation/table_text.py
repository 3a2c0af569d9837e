"""The table for people: Markdown and LaTeX, the paper's columns marked as the paper's."""

import math

import pandas as pd

from descant.evaluation.table_scores import RATED_LEGEND, SCALES

LEGEND = (
    "Measured here: bits are negative log2-likelihoods of held-out tracks, teacher-forced, each step scored once. "
    "'level 0' is audio given the codes above it (or given nothing, for a plain WaveNet); the top level is given "
    "nothing. 'bits/sample' is the sum over levels of bits per step divided by the hop: an upper bound on the "
    "model's bits per audio sample, comparable between all rows that have it, with its bootstrap interval over tracks; "
    "a model without a likelihood of audio has none. "
    "The paper's columns are human ratings of the paper's own models (Dieleman et al. 2018), not of these."
)

LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "±": r"$\pm$", "–": "--", "≤": r"$\leq$",
    **{letter: f"\\{letter}" for letter in "{}$&%#_"},
})  # fmt: skip


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """The table with readable columns; what is absent is a dash."""
    levels = [name for name in table.columns if name.startswith("bits_per_step_level")]
    shown = pd.DataFrame({"Model": table["title"], "Levels": table["levels"].astype(str)})
    if "beginning" in table.columns:
        shown["Trained"] = table["beginning"]
    shown["RF ms"] = [f"{value:.1f}" for value in table["receptive_field_ms"]]
    for name in levels:
        shown[f"bits, level {name.removeprefix('bits_per_step_level')}"] = [_number(value, 3) for value in table[name]]
    shown["bits/s"] = [_number(value, 0) for value in table["bits_per_second"]]
    bounds = zip(*(table[f"bits_per_sample{part}"] for part in ("", "_low", "_high")), strict=True)
    shown["bits/sample"] = [_ranged(value, low, high, 3) for value, low, high in bounds]
    shown["tracks"] = ["–" if pd.isna(value) else str(value) for value in table["test_tracks"]]
    for name in SCALES:
        if f"our_{name}" in table.columns:
            ratings = zip(*(table[f"our_{name}{part}"] for part in ("", "_low", "_high", "_n")), strict=True)
            shown[f"rated here: {name}"] = [
                _ranged(mean, low, high, 2) + ("" if _absent(mean) else f", n={n}") for mean, low, high, n in ratings
            ]
    if "paper_fidelity" in table.columns:
        shown["paper: RF ms"] = [_number(value, 0) for value in table["paper_receptive_field_ms"]]
        for name in ("fidelity", "musicality"):
            shown[f"paper: {name}"] = [
                "–" if _absent(mean) else f"{mean:.2f} ± {spread:.2f}"
                for mean, spread in zip(table[f"paper_{name}"], table[f"paper_{name}_plus_minus"], strict=True)
            ]
    return shown


def notes(table: pd.DataFrame, rated: str = "") -> list[str]:
    """What stands under the table: on ratings gathered here, a sentence more on these, and the rows' own notes."""
    ours = [RATED_LEGEND, rated] if any(name.startswith("our_") for name in table.columns) else []
    return [
        *filter(None, ours),
        *(f"{title}: {note}" for title, note in zip(table["title"], table["note"], strict=True) if note),
    ]


def to_markdown(table: pd.DataFrame, rated: str = "") -> str:
    """Markdown with the legend and the notes under it; see :func:`notes`."""
    shown = for_people(table).map(lambda cell: cell.replace("|", "\\|"))
    text = shown.to_markdown(index=False, disable_numparse=True)
    return "\n\n".join([text, LEGEND, *notes(table, rated)]) + "\n"


def to_latex(table: pd.DataFrame, rated: str = "") -> str:
    """LaTeX (booktabs) with the legend and the notes as its caption; see :func:`notes`."""
    shown = for_people(table)
    caption = _latex_text(" ".join([LEGEND, *notes(table, rated)]))
    header = {name: _latex_text(name) for name in shown.columns}
    cells = shown.map(_latex_text).rename(columns=header)
    return str(cells.to_latex(index=False, escape=False, caption=caption, column_format="l" + "r" * (len(header) - 1)))


def _latex_text(text: str) -> str:
    return text.translate(LATEX)


def _absent(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _number(value: float, digits: int) -> str:
    return "–" if _absent(value) else f"{value:.{digits}f}"


def _ranged(value: float, low: float | None, high: float | None, digits: int) -> str:
    return _number(value, digits) + ("" if _absent(low) else f" [{low:.{digits}f}, {high:.{digits}f}]")
