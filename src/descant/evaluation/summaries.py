"""What each measure found, in a line for the front page, from the summary that the measure wrote.

A summary is a JSON object; ``null`` stands for what was not measured, ``missing`` lists why.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.errors import DescantError

MINUS = "\N{MINUS SIGN}"
SHOWN_MEASURES = 3
SHOWN_REASONS = 2
_BEGINNING = re.compile(r"not reported[:,]\s*(since\s+)?", re.IGNORECASE)


class SummaryError(DescantError):
    """A measure's summary cannot be told."""


@dataclass(frozen=True)
class Finding:
    """A measure on the front page.

    Attributes:
        name: in the results folder: ``novelty``.
        label: what people call it.
        words: what it found, a sentence or two; empty where nothing could be measured.
        missing: why something was not measured, in words; empty where all was.
        address: of its page, or empty.
    """

    name: str
    label: str
    words: str
    missing: str
    address: str


def read_finding(name: str, path: Path, titles: Mapping[str, str], addresses: Sequence[str]) -> Finding:
    """Read a summary and put it into words.

    Args:
        name: of the measure: ``novelty``, ``distances``, ``structure`` or ``reconstruction``.
        path: its ``summary.json``.
        titles: of the models, by name.
        addresses: of the report's pages.

    Raises:
        SummaryError: when the measure is not known, or its summary cannot be read or lacks a key.
    """
    cure = "delete it and run snakemake again"
    if name not in _TOLD:
        raise SummaryError(f"--summary names {name!r}, which is no measure", f"name one of {', '.join(_TOLD)}")
    label, words = _TOLD[name]
    address = f"{name}.html" if f"{name}.html" in addresses else ""
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        told = words(summary, titles)
        missing = _reasons(summary["missing"], bool(told and address))
    except OSError as error:
        raise SummaryError(f"{path} cannot be read: {error.strerror}", cure) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SummaryError(f"{path} is no summary of {name}: {error!r}", cure) from error
    return Finding(name, label, told, missing, address)


def _reasons(missing: Sequence[str], elsewhere: bool) -> str:
    """Why something was not measured, or that the measure's own page says so."""
    reasons = list(dict.fromkeys(_BEGINNING.sub("", reason).rstrip(".") for reason in missing))
    if not reasons:
        return ""
    if elsewhere:
        return "Not all could be measured; its page says why."
    more = len(reasons) - SHOWN_REASONS
    return f"Not reported: {'; '.join(reasons[:SHOWN_REASONS])}{f'; and {more} more' if more > 0 else ''}."


def number(value: float, decimals: int) -> str:
    """A number with so many decimals, and a true minus sign."""
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def _novelty(summary: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    return str(summary["verdict"])


def _distances(summary: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    headline = summary["headline"]
    measured = {model: figures for model, figures in headline["models"].items() if figures["value"] is not None}
    if not measured:
        return ""
    order = sorted(measured, key=lambda model: (measured[model]["value"], model))
    nearest, farthest = (_distance(measured[model]) for model in (order[0], order[-1]))
    told = f"Nearest to held-out music: {titles.get(order[0], order[0])}, {nearest}"
    if len(order) > 1:
        told += f"; farthest: {titles.get(order[-1], order[-1])}, {farthest}"
    if len(order) > 1 and nearest == farthest:
        told = f"All models lie {nearest} from held-out music"
    floor = headline["floor"]
    below = "" if floor is None else f" Floor, real music against real: {number(floor, 3)}."
    return f"{told} (MMD², {headline['embedding']}).{below}"


def _distance(figures: Mapping[str, Any]) -> str:
    low, high = figures["low"], figures["high"]
    interval = "" if low is None or high is None else f" [{number(low, 3)}, {number(high, 3)}]"
    return f"{number(figures['value'], 3)}{interval}"


def _structure(summary: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    kept, dropped = summary["kept"], summary["dropped"]
    if not kept and not dropped:
        return ""
    if not kept:
        return f"None of {len(dropped)} measures tells real music from the same music shuffled here, so none is told."
    told = f"{len(kept)} of {len(kept) + len(dropped)} measures tell real music from the same music shuffled"
    parts = []
    for measure in kept:
        real = summary["real"].get(measure)
        values = [figures.get(measure) for figures in summary["models"].values()]
        found = sorted(value for value in values if value is not None)
        if real is None or not found:
            continue
        low, high = number(found[0], 2), number(found[-1], 2)
        spread = low if low == high else f"{low} to {high}"
        parts.append(f"{measure.replace('_', ' ')} {number(real, 2)} in real music, {spread} in the models'")
    shown = "; ".join(parts[:SHOWN_MEASURES])
    return f"{told}: {shown}." if shown else f"{told}."


def _reconstruction(summary: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    parts = [
        f"{stack.replace('.', ' + ')} {number(figures['lsd_db'], 1)} dB"
        for stack, figures in summary["stacks"].items()
        if figures["lsd_db"] is not None
    ]
    return f"Log-spectral distance of held-out music put through codes: {', '.join(parts)}." if parts else ""


_TOLD: Mapping[str, tuple[str, Callable[[Mapping[str, Any], Mapping[str, str]], str]]] = {
    "novelty": ("Is it a copy?", _novelty),
    "distances": ("How near to real music", _distances),
    "structure": ("Musical structure", _structure),
    "reconstruction": ("What the codes keep", _reconstruction),
}
