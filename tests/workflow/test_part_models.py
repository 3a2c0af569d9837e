"""Rows of parts are trained on scores of a folder, with no audio, and their model files open by themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from chorales import chorale
from pipeline import planned, run

from descant.evaluation.composed import LIST, Composed
from descant.modelfile import read_model
from descant.results import read_json
from descant.sampling.parts import draw_parts
from descant.scores.part_files import midi_of, read_parts
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
    melody = tmp_path / "melody {x}.abc"
    melody.write_text("X:1\nM:4/4\nL:1/4\nK:D\nF F G A | A G F E |]\n")
    tasks = {
        "new": {"title": "New", "count": 2, "measures": 2},
        "redone": {"title": "Redone", "task": "redo", "score": str(music / "0.mid"), "row": "thesis"},
        "song": {"title": "A song", "task": "harmonise", "score": str(melody)},
    }
    own = {"parts": parts, "part_models": networks, "models": rows, "rows": list(rows), "compositions": tasks}
    over.write_text(yaml.safe_dump(own))
    run(folder, "--cores", "1", *MODELS, over=over)
    made = {path.name for path in (folder / "results").iterdir()}
    assert "corpus" not in made and "parts" in made
    assert planned(folder, *MODELS, over=over) == set()
    small, thesis = (restore(read_model(folder / path), System) for path in MODELS)
    assert thesis.headline == "nll_bound" and isinstance(small, AutoregressivePartsSystem)
    tokens = torch.zeros(1, 16, 4, dtype=torch.int64)
    assert draw_parts(small, tokens, torch.zeros_like(tokens, dtype=torch.bool), 1).shape == (1, 16, 4)

    run(folder, "--cores", "1", "compositions", over=over)
    made = folder / "results" / "compositions"
    found = {name: read_json(Composed, made / name / LIST) for name in tasks}
    assert [len(one.pieces) for one in found.values()] == [2, 5, 2]
    assert found["redone"].network == "rmvae" and found["new"].network == "autoregressive_parts"
    for name, composed in found.items():
        for piece in composed.pieces:
            files = [made / name / f"{piece.file}.{suffix}" for suffix in ("mid", "musicxml", "flac")]
            assert all(file.stat().st_size for file in files)
    assert np.array_equal(read_parts(made / "redone" / "given.mid").grid, chorale(6, 0))
    assert (folder / "results" / "report" / "compositions.html").read_text().count("<audio") == 9
    # another song is written with nothing else done again
    melody.write_text(melody.read_text().replace("A G F E", "A A G F"))
    assert planned(folder, "compositions", over=over) == {
        "compositions",
        "composition composition=song",
        "page page=compositions",
    }

    asked = f"compose={{task: harmonise, score: '{melody}', voices: [alto]}}"
    run(folder, "--cores", "1", "compose", "--config", asked, over=over)
    assert read_json(Composed, made / "compose" / LIST).pieces[1].written == ("soprano", "tenor", "bass")
    assert (folder / "results" / "report" / "compose.html").exists()
