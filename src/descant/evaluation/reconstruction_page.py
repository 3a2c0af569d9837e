"""The page of reconstructions, and the summary of them: what was measured, in words and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from descant.audio import mulaw
from descant.audio.clips import flac_bytes
from descant.audio.facts import sample_facts
from descant.audio.files import Block
from descant.config.evaluation import Evaluation
from descant.evaluation.charts import javascript
from descant.evaluation.code_usage import Usage, Worth
from descant.evaluation.figure_lines import Line, Shown, shown
from descant.evaluation.figures import mel_figure
from descant.evaluation.pages import render
from descant.evaluation.players import Clip, make_clip
from descant.evaluation.reconstruction import MULAW, NOISE, OTHER, Stretch
from descant.evaluation.reconstruction_charts import distance_chart, usage_chart
from descant.formatting import count, decimal
from descant.statistics import FEWEST_TRACKS, Bootstrap, Interval, mean_interval

REFERENCES = {
    MULAW: "the floor",
    OTHER: "music, but not this music",
    NOISE: "no music at all",
}
FIGURES = ("snr_db", "lsd_db", "added_lsd_db", "draws_snr_db", "draws_lsd_db")


@dataclass(frozen=True)
class Codes:
    """A stack's codes on the test split.

    Attributes:
        hop: audio samples to one of them.
        usage: how often each occurs.
        worth: what they are worth to the network below; None where nothing was scored.
    """

    hop: int
    usage: Usage
    worth: Worth | None


@dataclass(frozen=True)
class Measured:
    """All that was measured.

    Attributes:
        excerpts: of :func:`descant.evaluation.reconstruction.measure_renderings`.
        intervals: by rendering, then by column of ``excerpts``; None where there is no figure.
        codes: by stack.
        missing: what was not measured, and why.
    """

    excerpts: pd.DataFrame
    intervals: Mapping[str, Mapping[str, Interval | None]]
    codes: Mapping[str, Codes]
    missing: Sequence[str]


@dataclass(frozen=True)
class Heard:
    """An excerpt in all its renderings."""

    name: str
    clips: Sequence[Clip]


def gather(excerpts: pd.DataFrame, codes: Mapping[str, Codes], settings: Evaluation, seed: int) -> Measured:
    """Put intervals to the figures, and name what is missing.

    Args:
        excerpts: of :func:`descant.evaluation.reconstruction.measure_renderings`; empty when no track is long enough.
        codes: by stack.
        settings: the intervals', and how long the excerpts were to be.
        seed: of the bootstraps.
    """
    bootstrap = Bootstrap(settings.bootstrap_draws, settings.confidence, seed)
    intervals = {
        str(rendering): {column: mean_interval(rows[column].to_numpy(np.float64), bootstrap) for column in FIGURES}
        for rendering, rows in excerpts.groupby("rendering", sort=False)
    }
    missing = []
    if not codes:
        missing.append("no model has a stack, so there is nothing to reconstruct")
    elif not len(excerpts):
        missing.append(f"no test track is as long as an excerpt, {settings.reconstruction.seconds:g} s")
    else:
        long_enough = excerpts["track"].nunique()
        if long_enough < FEWEST_TRACKS:
            tracks = f"{count(long_enough, 'test track')} long enough"
            missing.append(f"intervals of the reconstructions: {tracks}, {FEWEST_TRACKS} needed")
    for stack, held in codes.items():
        if not held.usage.total:
            missing.append(f"codes of {stack}: the test split has none")
        elif held.worth is None:
            missing.append(f"gap of {stack}: no step was scored")
        elif held.worth.gap.low is None:
            missing.append(
                f"interval of {stack}'s gap: {count(held.worth.tracks, 'test track')}, {FEWEST_TRACKS} needed"
            )
    return Measured(excerpts, intervals, codes, [f"not reported: {reason}" for reason in missing])


def summarise(measured: Measured) -> dict[str, Any]:
    """The summary for the front page, ready for JSON; what was not measured is None."""
    stacks = {}
    for stack, held in measured.codes.items():
        figures = measured.intervals.get(stack, {})
        stacks[stack] = {
            "snr_db": _value(figures.get("snr_db")),
            "lsd_db": _value(figures.get("lsd_db")),
            "codes_used_share": held.usage.used_share,
            "gap_bits": None if held.worth is None else held.worth.gap.value,
        }
    floor = measured.intervals.get(MULAW, {})
    mulaw_alone = {name: _value(floor.get(name)) for name in ("snr_db", "lsd_db")}
    return {"stacks": stacks, "mulaw": mulaw_alone, "missing": list(measured.missing)}


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def codes_table(measured: Measured) -> pd.DataFrame:
    """A row a stack: how its codes are used, and what they are worth; what was not measured is absent."""
    rows = []
    for stack, held in measured.codes.items():
        row: dict[str, object] = {
            "stack": stack,
            "hop": held.hop,
            "classes": len(held.usage.counts),
            "codes": held.usage.total,
            "used_share": held.usage.used_share,
            "perplexity": held.usage.perplexity,
            "perplexity_low": held.usage.low,
            "perplexity_high": held.usage.high,
        }
        if held.worth is not None:
            row |= {"bits_true": held.worth.true, "bits_shuffled": held.worth.shuffled, "gap": held.worth.gap.value}
            row |= {"gap_low": held.worth.gap.low, "gap_high": held.worth.gap.high, "tracks": held.worth.tracks}
        rows.append(row)
    columns = ["stack", "hop", "classes", "codes", "used_share", "perplexity", "perplexity_low", "perplexity_high"]
    columns += ["bits_true", "bits_shuffled", "gap", "gap_low", "gap_high", "tracks"]
    return pd.DataFrame(rows, columns=columns)


def rendering_lines(measured: Measured, sample_rate: int) -> list[Line]:
    """A row a rendering: quantisation alone, every stack, noise."""
    lines = []
    for rendering, figures in measured.intervals.items():
        detail = REFERENCES.get(rendering, "")
        if rendering in measured.codes:
            hop = measured.codes[rendering].hop
            detail = f"{sample_rate / hop:,.6g} codes a second, {hop:,} samples each"
        lines.append(Line(rendering, detail, [shown(figures[column], 2) for column in FIGURES]))
    return lines


def code_lines(measured: Measured) -> list[Line]:
    """A row a stack: its codes."""
    lines = []
    for stack, held in measured.codes.items():
        usage, worth = held.usage, held.worth
        perplexity = None if usage.perplexity is None else Interval(usage.perplexity, usage.low, usage.high)
        share = "" if usage.used_share is None else f"{100 * usage.used_share:.1f}\N{NO-BREAK SPACE}%"
        figures = [
            Shown(f"{len(usage.counts):,}"),
            Shown(share, f"of {count(usage.total, 'code')}" if usage.total else ""),
            shown(perplexity, 1),
            Shown("" if worth is None else decimal(worth.true, 3)),
            Shown("" if worth is None else decimal(worth.shuffled, 3)),
            shown(None if worth is None else worth.gap, 3),
        ]
        lines.append(Line(stack, "", figures))
    return lines


def heard(
    stretches: Sequence[Stretch],
    originals: Sequence[Block],
    companded: Sequence[npt.NDArray[np.uint8]],
    drawn: Mapping[str, npt.NDArray[np.uint8]],
    sample_rate: int,
) -> list[Heard]:
    """Every excerpt to listen to: the original, through mu-law, and each stack's first draw."""
    told = []
    for number, stretch in enumerate(stretches):
        start = stretch.start / sample_rate
        name = stretch.track.labels.name or f"Track {stretch.track.track}"
        renderings: dict[str, npt.NDArray[np.floating]] = {
            "Original": originals[number],
            "Original through mu-law": mulaw.decode(companded[number]),
            **{stack: mulaw.decode(draws[0][number]) for stack, draws in drawn.items()},
        }
        clips = [
            make_clip(
                rendering,
                "",
                sample_facts(audio, sample_rate),
                flac_bytes(audio, sample_rate),
                mel_figure(audio, sample_rate, f"{name} · {rendering}"),
            )
            for rendering, audio in renderings.items()
        ]
        told.append(Heard(f"{name}, from {int(start // 60)}:{start % 60:04.1f}", clips))
    return told


def reconstruction_html(measured: Measured, excerpts: Sequence[Heard], sample_rate: int, confidence: float) -> str:
    """The page as HTML."""
    means = {
        rendering: figures["lsd_db"]
        for rendering, figures in measured.intervals.items()
        if figures["lsd_db"] is not None
    }
    counted = {stack: held.usage for stack, held in measured.codes.items() if held.usage.total}
    distances = "Log-spectral distance of every excerpt (small marks), and their mean with its interval (diamonds)."
    usage = "How often each code occurs in the test tracks, the commonest first; a steep line leaves codes unused."
    values = {
        "renderings": rendering_lines(measured, sample_rate),
        "codes": code_lines(measured),
        "missing": measured.missing,
        "excerpts": excerpts,
        "tracks": count(len(excerpts), "test track"),
        "confidence": f"{100 * confidence:g}\N{NO-BREAK SPACE}%",
        "distances": distance_chart(measured.excerpts, means, distances) if means else None,
        "distance_words": distances,
        "usage": usage_chart(counted, usage) if counted else None,
        "usage_words": usage,
        "javascript": javascript(),
    }
    return render("reconstruction.html", values)
