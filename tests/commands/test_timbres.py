"""The command that measures a space of timbres, and the page of what it writes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from page_reading import make_page, read_page, specs

from descant.commands.timbres import timbres
from descant.config.mel2mel import Mel2Mel
from descant.errors import PlayError
from descant.evaluation.timbre import NO_AUDIO, NO_MORPH, TimbreSummary
from descant.modelfacts import Input, LabelFacts, ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.npy import map_array
from descant.results import read_json
from descant.scores.roll import ROWS
from descant.sequences import Labels, SequenceWriter, open_sequence
from descant.systems.mel2mel import build_mel2mel

NAMES = ("A & B", "<Oboe>", "Tuba")


def made(folder: Path, names: tuple[str, ...], embedding: int) -> tuple[Path, Path]:
    """Packed rolls and the model file of a Mel2Mel with fresh weights."""
    with SequenceWriter(folder / "roll", 0, 128, 16000, channels=ROWS, dtype=np.float16) as writer:
        roll = np.zeros((60, ROWS))
        roll[4, 40] = roll[4:30, 128] = 0.7
        for number, split in enumerate(("train", "test")):
            writer.add(f"track{number}", split, Labels(title="<i>A piece</i>"), [roll + number / 1000])
    labels = {"instrument": LabelFacts(names=names, digest="d")}
    form = {"classes": 0, "hop": 128, "sample_rate": 16000}
    inputs = (
        Input(stream="mel", name="mel", channels=20, fingerprint="f", labels=labels, **form),
        Input.of("roll", open_sequence(folder / "roll")),
    )
    settings = {"width": 8, "embedding": embedding, "training": {"steps": 1, "batch": 1, "window": 8}}
    torch.manual_seed(1)
    section = Mel2Mel.model_validate(settings)
    system = build_mel2mel(section, {one.stream: one for one in inputs})
    facts = ModelFacts(kind="mel2mel", settings=section.model_dump(mode="json"), inputs=inputs, steps=1)
    write_model(folder / "model.safetensors", ModelFile(facts, system.state_dict()))
    return folder / "roll", folder / "model.safetensors"


def measured(folder: Path, names: tuple[str, ...] = NAMES, embedding: int = 2, **settings: object) -> Path:
    rolls, model = made(folder, names, embedding)
    text = json.dumps({"points": 6, "seconds": 0.2, "steps": 4, **settings})
    timbres(text, "{}", rolls, model, folder / "out")
    return folder / "out"


@pytest.mark.parametrize("embedding", [1, 2, 5])
def test_a_map_and_a_way_are_measured_and_shown(tmp_path: Path, embedding: int) -> None:
    folder = measured(tmp_path, embedding=embedding)
    summary, values = read_json(TimbreSummary, folder / "summary.json"), map_array(folder / "map.npy")
    assert values.shape == (2, 6, 6) and values.dtype == np.float32
    assert [one.name for one in summary.instruments] == list(NAMES)
    by_centroid = sorted(summary.instruments, key=lambda one: one.centroid_hz)
    way = summary.morphs[0]
    assert (way.start, way.end) == (by_centroid[0].name, by_centroid[-1].name)
    assert len(way.points) == 4 and way.points[0].centroid_hz == pytest.approx(by_centroid[0].centroid_hz, rel=1e-5)
    assert summary.missing == [NO_AUDIO] and not (folder / "audio").exists()
    assert summary.shown == 1 if embedding <= 2 else 0 < summary.shown <= 1
    rows = [{"model": "m", "title": "M & <b>", "folder": folder}]
    html = make_page("timbre", tmp_path / "page.html", rows=rows)
    page = read_page(html, str(tmp_path))
    assert all(name in page.text for name in NAMES) and "M & <b>" in page.text and NO_AUDIO in page.text
    charts = specs(html)
    cells = charts[0]["datasets"][charts[0]["layer"][0]["data"]["name"]]
    assert len(charts) == 3 and len(cells) == 36
    assert cells[0]["value"] == pytest.approx(float(values[0, 0, 0]), rel=1e-4)
    assert cells[0]["x"] < summary.x[0] < cells[0]["x2"]


def test_pairs_are_named_and_one_instrument_has_no_way(tmp_path: Path) -> None:
    folder = measured(tmp_path / "pairs", pairs=[["tuba", "oboe"], ["oboe", "a & b"]])
    ways = read_json(TimbreSummary, folder / "summary.json").morphs
    assert [(way.start, way.end) for way in ways] == [("Tuba", "<Oboe>"), ("<Oboe>", "A & B")]
    alone = measured(tmp_path / "alone", names=("Tuba",))
    assert NO_MORPH in read_json(TimbreSummary, alone / "summary.json").missing
    make_page("timbre", tmp_path / "page.html", rows=[{"model": "m", "title": "M", "folder": alone}])
    with pytest.raises(PlayError, match="'viola': it was not learnt"):
        measured(tmp_path / "wrong", pairs=[["tuba", "viola"]])
