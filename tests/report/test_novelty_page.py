"""From what the searches found to findings, figures and a page on which a match is heard beside its source."""

import csv
import json
from pathlib import Path

import numpy as np
from page_reading import make_page, read_page
from waveforms import record, render

from descant.commands.measure import measure
from descant.evaluation.novelty.calibration import Calibration
from descant.evaluation.novelty.results import AudioCalibration, AudioSearch, Hit, Share
from descant.results import write_json
from descant.sequences import Labels

RATE = 16000
USED = Calibration(0.9, 0.6, 100, 5, 1, 40, 38)
TITLE = "The <model>"


def test_a_match_is_counted_and_heard_beside_its_source(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(0.05 * np.arange(6 * RATE))
    record(tmp_path / "waveform", [("t0", "train", tone, Labels("Song", "A. Composer"))], RATE)
    render(tmp_path / "drawn", np.stack([tone[: 4 * RATE]] * 6), RATE)
    hit = Hit("fingerprint", 0, 0.5, 3.0, 0.97, 1.4, True, "t0", "Song", 0.5)
    later = Hit("fingerprint", 1, 0.5, 3.0, 0.97, 1.3, True, "t0", "Song", 1.5)
    shares = [Share(4.0, 4.0), *[Share(4.0, 0.0)] * 5]
    write_json(tmp_path / "calibration.json", AudioCalibration(4.0, 6.0, 3.0, 3.0, USED, USED, [Share(4.0, 0.0)] * 5))
    write_json(tmp_path / "found.json", AudioSearch(shares, [hit, later], 12, 0))
    files = {"drawn": f"{tmp_path}/drawn", "found": f"{tmp_path}/found.json", "codes": None}
    rows = [{"model": "m", "title": TITLE, **files}]
    given = {"evaluation": {}, "seed": 1, "calibration": f"{tmp_path}/calibration.json", "rows": rows}
    measure("novelty", json.dumps(given), tmp_path / "out")

    model = json.loads((tmp_path / "out/summary.json").read_text())["models"]["m"]
    assert model["matched_share"] == 1 / 6 and model["seconds"] == 24.0 and model["codes_share"] is None
    match, _ = csv.DictReader((tmp_path / "out/matches.csv").read_text().splitlines())
    assert (match["model"], match["track"], match["is_match"]) == ("m", "t0", "1")

    html = make_page("novelty", tmp_path / "page.html", findings=tmp_path / "out/findings.json", rows=rows, shown=5,
                     calibration=given["calibration"], recordings=tmp_path / "waveform/data.npy")  # fmt: skip
    page = read_page(html, str(tmp_path))
    assert f"1. {TITLE}" in page.text and "The nearest matches" in page.text and TITLE not in html
    assert [audio["aria-label"] for audio in page.all("audio")][:2] == ["1: drawn, sample 1", "1: trained on, Song"]
    # of the two matches one is of both beginnings: an intro that is replayed
    assert len(page.all("audio")) == 4 and page.text.count("What was drawn begins as Song begins.") == 1
