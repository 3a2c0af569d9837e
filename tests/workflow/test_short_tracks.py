"""Tracks that are shorter than windows are reported of before anything is trained."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from pipeline import TINY, planned, run

from descant.config.loading import merge
from descant.config.reading import read_yaml

pytestmark = pytest.mark.slow


def test_short_tracks_stop_what_cannot_use_them_and_are_counted(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    random = np.random.default_rng(1)
    for n, seconds in enumerate([1.0] * 4 + [0.25] * 8):
        soundfile.write(music / f"{n}.wav", 0.3 * random.standard_normal(int(16000 * seconds)), 16000)
    corpus = {"source": "folder", "folder": {"path": "music"}, "shards": 1}
    own = merge(read_yaml(TINY), {"rows": ["hop8", "hop64"], "corpus": corpus})
    over = tmp_path / "own.yaml"

    over.write_text(yaml.safe_dump(merge(own, {"priors": {"codes": {"training": {"window": 1000}}}})))
    reported = run(tmp_path / "run", "--cores", "1", "corpus", over=over, check=False)
    shown = reported.stdout + reported.stderr
    assert reported.returncode != 0
    assert "priors.codes.training.window is 1,000 steps, 4.0 s, but the longest track for train has 1.0 s" in shown
    assert "row hop64" in shown and "cure:" in shown
    assert not (tmp_path / "run/results/sequences/audio/data.npy").exists()

    over.write_text(yaml.safe_dump(merge(own, {"priors": {"codes": {"training": {"window": 100}}}})))
    reported = run(tmp_path / "run", "--cores", "1", "corpus", "estimate", over=over)
    for word in ("codes-on-vqvae64 learns from", "the others are shorter than priors.codes.training.window, 0.4 s"):
        assert reported.stdout.count(word) == 2, "once for the corpus, once in the estimate"
        assert word in (tmp_path / "run/results/logs/sequences/pack.log").read_text()
        assert word in (tmp_path / "run/results/corpus/remarks.json").read_text()

    over.write_text(yaml.safe_dump(merge(own, {"priors": {"codes": {"training": {"window": 90}}}})))
    assert planned(tmp_path / "run", "corpus", over=over) == set()
    over.write_text(yaml.safe_dump(merge(own, {"priors": {"codes": {"training": {"window": 1000}}}})))
    reported = run(tmp_path / "run", "--cores", "1", "estimate", over=over, check=False)
    assert (
        reported.returncode != 0 and "priors.codes.training.window is 1,000 steps" in reported.stdout + reported.stderr
    )
