"""Reconstructions of the tiny run's stacks, what reruns them, and two runs compared."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from page_reading import read_page
from pipeline import ROOT, TINY, planned, run

from descant.audio import mulaw
from descant.config.loading import load, merge
from descant.config.reading import read_yaml
from descant.plan.plan import make_plan
from descant.sequences import open_sequence

pytestmark = pytest.mark.slow
STACKS = [sequence.name for sequence in make_plan(load(ROOT / "config.yaml", TINY)).encoded]


def over(folder: Path, change: dict[str, object]) -> Path:
    """A configuration file of the tiny run with a change."""
    path = folder / "over.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), change)))
    return path


def test_every_stack_is_decoded_and_measured(finished: Path) -> None:
    config = load(ROOT / "config.yaml", TINY)
    made = finished / "results/evaluation/reconstruction"
    summary = json.loads((made / "summary.json").read_text())
    assert list(summary["stacks"]) == STACKS
    assert any("5 needed" in reason for reason in summary["missing"])
    excerpts = pd.read_csv(made / "excerpts.csv", dtype={"track": str})
    audio = open_sequence(finished / "results/sequences/audio")
    tracks = [track for track in audio.tracks("test") if track.track in set(excerpts["track"])]
    assert len(tracks) == min(config.evaluation.reconstruction.excerpts, len(audio.tracks("test")))
    for stack in STACKS:
        figures, rows = summary["stacks"][stack], excerpts[excerpts["rendering"] == stack]
        drawn = np.load(made / stack / "drawn.npy", allow_pickle=False)
        assert drawn.shape == (2 * len(tracks), 1600) and len(rows) == len(tracks)
        # against the same stretch through mu-law, which is 35 dB and more from the original
        first = next(row for row in rows.to_dict("records") if row["track"] == tracks[0].track)
        start = int(first["start"])
        heard = mulaw.decode(audio.steps(tracks[0])[start : start + 1600]).astype(np.float64)
        noise = heard - mulaw.decode(drawn[0])
        assert first["snr_db"] == pytest.approx(10 * np.log10(np.sum(heard**2) / np.sum(noise**2)), abs=0.2)
        assert figures["lsd_db"] == pytest.approx(rows["lsd_db"].mean())
        assert 0 < figures["codes_used_share"] <= 1
        # six steps of training teach no decoder to listen to its codes
        assert abs(figures["gap_bits"]) < 0.1
    quantised = excerpts[excerpts["rendering"] == "mu-law alone"]
    assert (quantised["snr_db"] > 30).all()


def test_the_page_holds_every_rendering(finished: Path) -> None:
    page = read_page((finished / "results/report/reconstruction.html").read_text(), str(finished))
    excerpts = len(page.all("audio")) / (2 + len(STACKS))
    assert excerpts == int(excerpts) >= 1
    assert all(stack in page.text for stack in STACKS)


def test_a_key_reruns_only_what_uses_it(finished: Path, tmp_path: Path) -> None:
    sampling = planned(finished, "all", over=over(tmp_path, {"sampling": {"temperature": 0.9}}))
    assert {"reconstruct sequence=vqvae8", "reconstruction", "page page=reconstruction"} <= sampling
    assert not any(job.startswith("likelihood") for job in sampling)
    shorter = {"evaluation": {"reconstruction": {"seconds": 0.05}}}
    page = "results/report/reconstruction.html"
    jobs = planned(finished, page, over=over(tmp_path, shorter))
    assert jobs == {
        *(f"reconstruct sequence={stack}" for stack in STACKS),
        "reconstruction",
        "page page=reconstruction",
    }


def test_two_runs_are_compared(finished: Path, tmp_path: Path) -> None:
    """A run, and a copy of it in which one prior was trained for fewer steps."""
    other = tmp_path / "fewer steps"
    shutil.copytree(finished, other, symlinks=True)
    change = over(tmp_path, {"priors": {"large": {"training": {"steps": 4}}}})
    run(other, "--cores", "2", "results/table/table.csv", "results/samples/large_wavenet/audio", over=change)
    output = tmp_path / "out" / "compare.html"
    subprocess.run(
        [sys.executable, "-m", "descant.commands.compare", str(finished), str(other), "--output", str(output)],
        check=True,
    )
    page = read_page(output.read_text(), str(finished), str(tmp_path))
    text = "".join(page.text.split())
    assert "training.steps64" in text and "What is not there" not in page.text
    tables = [pd.read_csv(folder / "results/table/table.csv").set_index("model") for folder in (finished, other)]
    bits = [table["bits_per_sample"]["large_wavenet"] for table in tables]
    assert bits[0] != bits[1]
    difference = f"{bits[1] - bits[0]:.3f}".replace("-", "\N{MINUS SIGN}")
    assert f"{bits[0]:.3f}{bits[1]:.3f}{difference}" in text
    # two samples of every model that was drawn from, of either run
    models = list(finished.glob("results/samples/*/audio"))
    assert models and len(page.all("audio")) == 2 * 2 * len(models)
