"""From packed music and drawn audio to figures and a page, by the commands that the rules run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_reading import make_page, read_page
from waveforms import record, render

from descant.commands.embed import embed
from descant.commands.measure import measure
from descant.errors import PageError
from descant.evaluation.distances.measure import Row
from descant.results import read_rows
from descant.sequences import Labels

RATE, SECONDS = 8000, 0.5


def hum(number: int, seconds: float) -> np.ndarray:
    """A low tone with a little noise, another one for every number."""
    random = np.random.default_rng(number)
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.4 * np.sin(2 * np.pi * random.uniform(150, 300) * time) + 0.01 * random.standard_normal(len(time))


@pytest.fixture
def vectors(tmp_path: Path) -> dict[str, Path]:
    """Embedded sets of hums, of noise that was drawn, and of hums that were."""
    splits = ["train" if number < 7 else "test" for number in range(14)]
    music = [(f"{number:016x}", split, hum(number, 2.2), Labels()) for number, split in enumerate(splits)]
    record(tmp_path / "waveform", music, RATE)
    render(tmp_path / "near", np.stack([hum(number, 1.0) for number in range(20, 26)]), RATE)
    render(tmp_path / "far", np.random.default_rng(0).uniform(-1, 1, (6, RATE)), RATE)
    made = {}
    for name, drawn, split, change in [
        ("near", True, "test", "none"),
        ("far", True, "test", "none"),
        ("train", False, "train", "none"),
        ("test", False, "test", "none"),
        ("shuffled", False, "test", "shuffled"),
        ("noise", False, "test", "noise"),
    ]:
        made[name] = tmp_path / f"{name}.parquet"
        cache = tmp_path / "cache" / f"{name}.parquet"
        recordings, rendered = (None, tmp_path / name) if drawn else (tmp_path / "waveform", None)
        embed("{}", SECONDS, cache, made[name], recordings, rendered, split, change)  # type: ignore[arg-type]
    return made


def test_noise_is_far_and_hums_are_near_and_the_page_shows_it(vectors: dict[str, Path], tmp_path: Path) -> None:
    titles = {"near": "Hums", "far": "Noise = drawn"}
    given: dict[str, Any] = {name: str(vectors[name]) for name in ("test", "train", "shuffled", "noise")}
    given |= {"rows": [{"model": name, "title": titles[name], "vectors": str(vectors[name])} for name in titles]}
    given |= {"evaluation": {"bootstrap_draws": 200}, "seed": 1, "seconds": SECONDS}
    folder = tmp_path / "distances"
    measure("distances", json.dumps(given), folder)
    headline = json.loads((folder / "summary.json").read_text())["headline"]
    near, far = (headline["models"][name] for name in ("near", "far"))
    assert near["value"] < headline["floor"] < far["value"] and far["low"] > near["high"]
    titled = {row.name: row.title for row in read_rows(Row, folder / "distances.csv")}
    assert titled["far"] == "Noise = drawn"
    files = {"rows": folder / "distances.csv", "excerpts": folder / "excerpts.csv", "summary": folder / "summary.json"}
    text = read_page(make_page("distances", tmp_path / "distances.html", **files), str(tmp_path)).text
    assert "Hums" in text and "musicnn: not reported" in text
    again = tmp_path / "again"
    measure("distances", json.dumps(given), again)
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
    twice = {**given, "rows": [*given["rows"], given["rows"][0]]}
    with pytest.raises(PageError, match=r"rows: .*near is given twice"):
        measure("distances", json.dumps(twice), folder)
    del given["rows"][1]["title"]
    with pytest.raises(PageError, match=r"rows\.1\.title"):
        measure("distances", json.dumps(given), folder)
