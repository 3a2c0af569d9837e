"""What one prior drew at several steps is heard side by side, with its bits and what of it is copied."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from page_reading import make_page, read_page

from descant.commands.decode import decode
from descant.evaluation.novelty.findings import Findings
from descant.evaluation.novelty.verdict import ModelFindings
from descant.results import write_json
from descant.statistics import Interval

RATE = 16000


def test_the_same_sample_at_every_step_stands_side_by_side(tmp_path: Path) -> None:
    rows, found = [], []
    for model, steps, titled in (("early", 330, "Early"), ("late", 900, "Late <b>")):
        np.save(tmp_path / "drawn.npy", np.full((2, RATE), steps // 10, np.uint8))
        decode(tmp_path / "drawn.npy", RATE, titled, tmp_path / model)
        rows.append({"model": model, "title": titled, "steps": steps, "level": 2})
        rows[-1]["audio"] = str(tmp_path / model)
        share = Interval(steps / 1000, None, None)
        found.append(ModelFindings(model, titled, 2, 2.0, share, None, "too short", 0.0, [], ""))
    table = pd.DataFrame({"model": ["early", "late"], "bits_per_step_level2": [9.876, None]})
    table.to_csv(tmp_path / "table.csv", index=False)
    write_json(tmp_path / "findings.json", Findings(0.95, None, found, []))
    given = {"groups": [rows], "table": str(tmp_path / "table.csv"), "novelty": str(tmp_path / "findings.json")}
    html = make_page("steps", tmp_path / "steps.html", **json.loads(json.dumps(given)))
    page = read_page(html, str(tmp_path))
    assert len(page.all("audio")) == 4 and "Late <b>" in page.text and "Late <b>" not in html
    for figure in ("330, 900 steps", "9.88", "33.0 %", "90.0 %", "Sample 1", "Sample 2"):
        assert figure in page.text
