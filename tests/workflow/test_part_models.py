"""Rows of parts are trained on scores of a folder, with no audio; their model files open by themselves; their table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from chorales import chorale
from page_reading import read_page
from pipeline import planned, run

from descant.config.corpus import RENDER_RATE
from descant.evaluation.composed import LIST, Composed
from descant.evaluation.parts_baselines import ALL
from descant.evaluation.parts_scores import PartsLine
from descant.listening.files import read_manifest
from descant.modelfile import read_model
from descant.results import read_json, read_rows
from descant.sampling.parts import draw_parts
from descant.scores.part_files import read_parts
from descant.scores.part_writing import midi_of
from descant.sequences import open_sequence
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
    evaluation = {"parts": {"bound_draws": 1, "pieces": 2, "measures": 2}}
    own: dict[str, Any] = {
        "parts": parts,
        "part_models": networks,
        "models": rows,
        "rows": list(rows),
        "compositions": {"chorale": None, **tasks},
        "music": dict.fromkeys(("composed", "sonata", "chorale", "quartet", "aria")),
    }
    own |= {"evaluation": evaluation, "listening": {"type": "ab"}}
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
        "keep_folder composition=song",
        "page page=compositions",
    }

    asked = f"compose={{task: harmonise, score: '{melody}', voices: [alto]}}"
    run(folder, "--cores", "1", "compose", "--config", asked, over=over)
    answered = read_json(Composed, made / "compose" / LIST)
    assert (answered.title, answered.pieces[1].written) == ("", ("soprano", "tenor", "bass"))
    assert (folder / "results" / "report" / "compose.html").exists()
    _check_that_people_hear_them(folder, over)
    _check_the_table(folder, own, over)


def _check_that_people_hear_them(folder: Path, over: Path) -> None:
    """Both networks beside held-out pieces, all of two measures, and what synthetic raters say of them."""
    run(folder, "--cores", "1", "listening_simulation", over=over)
    results = folder / "results"
    manifest = read_manifest(results / "listening" / "manifest.json")
    assert manifest.sample_rate == RENDER_RATE and manifest.seconds == pytest.approx(6, abs=1 / RENDER_RATE)
    rows = {stimulus.system for stimulus in manifest.of_kind("system", "real")}
    assert rows == {"small", "thesis", "real"}
    waveform, parts = (open_sequence(results / name) for name in ("parts/waveform", "sequences/parts"))
    held_out = {track.track: track.split for track in parts.tracks() if track.split != "train"}
    assert {track.track: track.split for track in waveform.tracks()} == held_out
    assert not (results / "corpus").exists()
    assert (results / "report" / "simulated" / "listening.html").exists()
    assert planned(folder, "listening", over=over) - {"listening"} == set()


def _check_the_table(folder: Path, own: dict[str, Any], over: Path) -> None:
    """Both networks beside the baselines, in a table and on a page; each row by itself."""
    page = "results/report/parts.html"
    run(folder, "--cores", "1", page, over=over)
    lines = read_rows(PartsLine, folder / "results/parts/table.csv")
    listed = {(line.title, line.task) for line in lines if line.material == ALL}
    tasks = ["next token", "next measure", *(f"fill {name}" for name in ("soprano", "alto", "tenor", "bass"))]
    assert listed >= {(name, task) for name in ("small", "thesis") for task in tasks}
    assert listed >= {("n-gram, transposed", "fill bass"), ("hold", "next token"), ("last measure", "next measure")}
    assert {line.title for line in lines if line.bound} == {"thesis"}
    mixed = {line.model: line.task for line in lines if line.title.endswith(", mixed with n-grams")}
    assert mixed == {"small": "next token"}
    shown = read_page((folder / page).read_text(), str(folder))
    assert "54.7 % / 45.3 %" in shown.text and "read the columns of changed ones" in shown.text
    # nothing else is on the first page but links, and who composed
    front = "results/report/index.html"
    run(folder, "--cores", "1", front, over=over)
    first = read_page((folder / front).read_text(), str(folder))
    assert len(first.all("audio")) == 3 and "quarter notes of music in" in first.text
    links = {link.get("href") for link in first.all("a")}
    assert {"parts.html", "curves.html", "compositions.html"} <= links
    assert "index.html" in {link.get("href") for link in shown.all("a")}
    found = json.loads((folder / "results/parts/rows/small.json").read_text())
    assert [one["material"] for one in found["drawings"]] == ["test pieces", "drawn", "drawn by the rules"]
    assert len(found["sets"]) == 15
    assert planned(folder, page, over=over) == set()
    own["models"]["small"]["title"] = "S"
    over.write_text(yaml.safe_dump(own))
    again = {job for job in planned(folder, page, over=over) if not job.startswith("train")}
    assert again == {"parts_row row=small", "table_parts", "page page=parts"}
