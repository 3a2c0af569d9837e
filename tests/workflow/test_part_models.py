"""Rows of parts are trained on scores of a folder, with no audio, and their model files open by themselves."""

from pathlib import Path

import pytest
import torch
import yaml
from chorales import chorale
from pipeline import planned, run

from descant.modelfile import read_model
from descant.sampling.parts import draw_parts
from descant.scores.part_files import midi_of
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.base import System
from descant.systems.restore import restore

pytestmark = pytest.mark.slow
MODELS = [f"results/training/{name}-on-parts/model.safetensors" for name in ("small", "thesis")]


def test_rows_of_parts_are_trained_on_scores_alone(tmp_path: Path) -> None:
    music, folder, over = tmp_path / "music", tmp_path / "run", tmp_path / "own.yaml"
    music.mkdir()
    folder.mkdir()
    for seed in range(8):
        (music / f"{seed}.mid").write_bytes(midi_of(chorale(6, seed)))
    training = {"batch": 2, "window": 48, "schedule": {"warmup_steps": 0}}
    networks = {
        "small": {"kind": "autoregressive_parts", "width": 16, "training": {**training, "steps": 10}},
        "thesis": {"kind": "rmvae", "training": {**training, "steps": 2}},
    }
    rows = {name: {"kind": "parts", "title": name, "part_model": name} for name in networks}
    parts = {"source": "folder", "folder": str(music)}
    own = {"parts": parts, "part_models": networks, "models": rows, "rows": list(rows)}
    over.write_text(yaml.safe_dump(own))
    run(folder, "--cores", "1", *MODELS, over=over)
    made = {path.name for path in (folder / "results").iterdir()}
    assert "corpus" not in made and "parts" in made
    assert planned(folder, *MODELS, over=over) == set()
    small, thesis = (restore(read_model(folder / path), System) for path in MODELS)
    assert thesis.headline == "nll_bound" and isinstance(small, AutoregressivePartsSystem)
    tokens = torch.zeros(1, 16, 4, dtype=torch.int64)
    assert draw_parts(small, tokens, torch.zeros_like(tokens, dtype=torch.bool), 1).shape == (1, 16, 4)
