import json
from pathlib import Path
from typing import Any

import pytest

from descant.evaluation.summaries import SummaryError, read_finding

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
}
STRUCTURE = {
    "kept": ["pulse_clarity", "key_strength"],
    "dropped": ["dc"],
    "models": {"flat": {"pulse_clarity": 0.1, "key_strength": None}, "deep": {"pulse_clarity": 0.2}},
    "real": {"pulse_clarity": 0.5, "key_strength": 0.8},
    "missing": [],
}
RECONSTRUCTION = {
    "stacks": {
        "a.b": {"snr_db": -2.0, "lsd_db": 9.06, "codes_used_share": 1, "gap_bits": 0.1},
        "c": {"snr_db": None, "lsd_db": None, "codes_used_share": None, "gap_bits": None},
    },
    "missing": [],
}


def told(folder: Path, name: str, summary: dict[str, Any], addresses: tuple[str, ...] = ()) -> tuple[str, str, str]:
    (folder / "summary.json").write_text(json.dumps(summary))
    finding = read_finding(name, folder / "summary.json", TITLES, addresses)
    return finding.words, finding.missing, finding.address


def test_each_measure_is_told_in_a_line(tmp_path: Path) -> None:
    assert told(tmp_path, "novelty", NOVELTY, ("novelty.html",)) == ("Nothing found.", "", "novelty.html")
    assert told(tmp_path, "distances", DISTANCES)[0] == (
        "Nearest to held-out music: Deep, 0.250; farthest: Flat, 0.500 [0.400, 0.612] (MMD², log-mel statistics). "
        "Floor, real music against real: \N{MINUS SIGN}0.002."
    )
    assert told(tmp_path, "structure", STRUCTURE)[0] == (
        "2 of 3 measures tell real music from the same music shuffled: "
        "pulse clarity 0.50 in real music, 0.10 to 0.20 in the models'."
    )
    assert told(tmp_path, "reconstruction", RECONSTRUCTION)[0] == (
        "Log-spectral distance of held-out music put through codes: a + b 9.1 dB."
    )


def test_what_is_missing_is_told_once_and_in_short(tmp_path: Path) -> None:
    beside = told(tmp_path, "distances", DISTANCES, ("distances.html",))
    assert beside[1] == "Not all could be measured; its page says why."
    assert told(tmp_path, "distances", DISTANCES)[1] == "Not reported: musicnn, clips are short; b; and 2 more."
    nothing = {**NOVELTY, "verdict": "", "missing": ["not reported: a.", "Not reported, since b", "b", "a", "c", "d"]}
    assert told(tmp_path, "novelty", nothing)[1] == "Not reported: a; b; and 2 more."


def test_models_that_lie_alike_are_not_ranked(tmp_path: Path) -> None:
    alike = {name: {"value": 1.56 + step, "low": None, "high": None} for name, step in (("flat", 0), ("deep", 1e-6))}
    summary = {**DISTANCES, "headline": {**DISTANCES["headline"], "floor": None, "models": alike}}
    words = told(tmp_path, "distances", summary)[0]
    assert words == "All models lie 1.560 from held-out music (MMD², log-mel statistics)."


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("distances", {"headline": {"embedding": "e", "floor": None, "models": {}}}),
        ("structure", {"kept": [], "dropped": [], "models": {}, "real": {}}),
        ("reconstruction", {"stacks": {}}),
    ],
)
def test_nothing_measured_is_no_finding_but_a_reason(tmp_path: Path, name: str, summary: dict[str, Any]) -> None:
    assert told(tmp_path, name, {**summary, "missing": ["one track"]})[:2] == ("", "Not reported: one track.")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"verdict": "x"}', '{"verdict": "x", "missing": 3}'])
def test_torn_summaries_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(SummaryError, match="no summary of novelty"):
        read_finding("novelty", tmp_path / "summary.json", TITLES, ())
    with pytest.raises(SummaryError, match="cannot be read"):
        read_finding("novelty", tmp_path / "none.json", TITLES, ())
    with pytest.raises(SummaryError, match="no measure"):
        read_finding("beauty", tmp_path / "summary.json", TITLES, ())
