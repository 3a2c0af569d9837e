import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from descant.errors import PageError, ResultError
from descant.report.pages.front import read_finding

TITLES = {"flat": "Flat", "deep": "Deep"}
NOVELTY = {"verdict": "Nothing found.", "models": {}, "floor_share": None, "missing": []}
DISTANCES = {
    "headline": {
        "embedding": "log-mel statistics",
        "floor": -0.0021,
        "models": {
            "flat": {"value": 0.5, "low": 0.4, "high": 0.61234},
            "deep": {"value": 0.25, "low": None, "high": None},
            "gone": {"value": None, "low": None, "high": None},
        },
    },
    "missing": ["not reported: musicnn, clips are short.", "b", "b", "c", "d"],
    "seconds": 3.0,
    "asked_seconds": 3.0,
    "confidence": 0.95,
    "embeddings": [],
}
STRUCTURE = {
    "kept": ["pulse_clarity", "key_strength"],
    "dropped": ["dc"],
    "undecided": [],
    "level": [],
    "seconds": 4.0,
    "confidence": 0.95,
    "models": {"flat": {"pulse_clarity": 0.1, "key_strength": None}, "deep": {"pulse_clarity": 0.2}},
    "real": {"pulse_clarity": 0.5, "key_strength": 0.8},
    "shuffled": {},
    "noise": {},
    "missing": [],
}
RECONSTRUCTION = {
    "stacks": {
        "a.b": {"snr_db": -2.0, "lsd_db": 9.06, "codes_used_share": 1, "gap_bits": 0.1},
        "c": {"snr_db": None, "lsd_db": None, "codes_used_share": None, "gap_bits": None},
    },
    "mulaw": {"snr_db": 30.0, "lsd_db": 2.0},
    "missing": [],
}
FOUND = re.compile(r'<strong>(?:<a href="(.*?)">)?.*?</strong> (.*?) <span class="quiet">(.*?)</span>')


def found(folder: Path, name: str, summary: dict[str, Any], pages: tuple[str, ...] = ()) -> tuple[str, str, str]:
    """What a measure found, why something is missing, and the address of its page."""
    (folder / "summary.json").write_text(json.dumps(summary))
    match = FOUND.fullmatch(html.unescape(read_finding(name, folder / "summary.json", TITLES, pages)))
    assert match is not None
    return match[2], match[3], match[1] or ""


def test_each_measure_is_reported_in_a_line(tmp_path: Path) -> None:
    assert found(tmp_path, "novelty", NOVELTY, ("novelty",)) == ("Nothing found.", "", "novelty.html")
    assert found(tmp_path, "distances", DISTANCES)[0] == (
        "Nearest to held-out music: Deep, 0.250; farthest: Flat, 0.500 [0.400, 0.612] (MMD², log-mel statistics). "
        "Floor, real music against real: \N{MINUS SIGN}0.002."
    )
    assert found(tmp_path, "structure", STRUCTURE)[0] == (
        "2 of 3 measures separate real music from the same music shuffled: "
        "pulse clarity 0.50 in real music, 0.10 to 0.20 in the models'."
    )
    assert found(tmp_path, "reconstruction", RECONSTRUCTION)[0] == (
        "Log-spectral distance of held-out music put through codes: a + b 9.1 dB."
    )


def test_what_is_missing_is_reported_once_and_in_short(tmp_path: Path) -> None:
    beside = found(tmp_path, "distances", DISTANCES, ("distances",))
    assert beside[1] == "Not all could be measured; its page says why."
    assert found(tmp_path, "distances", DISTANCES)[1] == "Not reported: musicnn, clips are short; b; and 2 more."
    nothing = {**NOVELTY, "verdict": "", "missing": ["not reported: a.", "Not reported, since b", "b", "a", "c", "d"]}
    assert found(tmp_path, "novelty", nothing)[1] == "Not reported: a; b; and 2 more."


def test_models_that_lie_alike_are_not_ranked(tmp_path: Path) -> None:
    alike = {name: {"value": 1.56 + step, "low": None, "high": None} for name, step in (("flat", 0), ("deep", 1e-6))}
    summary = {**DISTANCES, "headline": {**DISTANCES["headline"], "floor": None, "models": alike}}
    words = found(tmp_path, "distances", summary)[0]
    assert words == "All models lie 1.560 from held-out music (MMD², log-mel statistics)."


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("distances", {**DISTANCES, "headline": {"embedding": "e", "floor": None, "models": {}}}),
        ("structure", {**STRUCTURE, "kept": [], "dropped": [], "models": {}, "real": {}}),
        ("reconstruction", {**RECONSTRUCTION, "stacks": {}}),
    ],
)
def test_nothing_measured_is_no_finding_but_a_reason(tmp_path: Path, name: str, summary: dict[str, Any]) -> None:
    assert found(tmp_path, name, {**summary, "missing": ["one track"]})[:2] == ("", "Not reported: one track.")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"verdict": "x"}', '{"verdict": "x", "missing": 3}'])
def test_torn_summaries_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(ResultError, match=r"summary\.json cannot be read"):
        read_finding("novelty", tmp_path / "summary.json", TITLES, ())
    with pytest.raises(ResultError, match="cannot be read"):
        read_finding("novelty", tmp_path / "none.json", TITLES, ())
    with pytest.raises(PageError, match="no page 'beauty'"):
        read_finding("beauty", tmp_path / "summary.json", TITLES, ())
    with pytest.raises(ResultError, match="no measure"):
        read_finding("table", tmp_path / "summary.json", TITLES, ())


def test_words_of_others_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({**NOVELTY, "verdict": "<b>", "missing": ["<i>"]}))
    shown = str(read_finding("novelty", tmp_path / "summary.json", TITLES, ()))
    assert "&lt;b&gt;" in shown and "&lt;i&gt;" in shown
