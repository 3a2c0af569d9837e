"""The pieces of a sequence of parts as they were before they were framed and transposed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chorales import chorale
from small_models import model_file

from descant.commands.parts import parts
from descant.commands.parts_row import parts_row
from descant.corpus.parts_dealing import PieceRow
from descant.errors import CorpusError, ModelFileError
from descant.evaluation.parts_material import read_pieces
from descant.modelfile import write_model
from descant.results import read_rows, write_rows
from descant.scores.part_writing import midi_of
from descant.scores.parts import Grid
from descant.sequences import open_checked
from descant.systems.registry import KINDS


def write_music(folder: Path, grids: list[Grid]) -> Path:
    folder.mkdir()
    for number, grid in enumerate(grids):
        (folder / f"{number}.mid").write_bytes(midi_of(grid))
    return folder


def test_pieces_come_back_as_they_were_written(tmp_path: Path) -> None:
    table, folder, grids = tmp_path / "pieces.csv", tmp_path / "parts", [chorale(3, seed) for seed in range(8)]
    music = write_music(tmp_path / "music", grids)
    parts(f'{{"source":"folder","folder":"{music}","transpose":"all"}}', 1, folder, table)
    found, packed = read_pieces(open_checked(folder), table), open_checked(folder)
    rows = read_rows(PieceRow, table)
    assert len(packed.tracks()) > len(rows), "some are transposed"
    assert len(found.train) == sum(row.split == "train" for row in rows)
    assert list(found.test) == [row.track for row in rows if row.split == "test"] and found.clean == set(found.test)
    for grid in (*found.train, *found.test.values()):
        assert any(np.array_equal(grid, one) for one in grids)
    write_rows(table, PieceRow, [replace(row, group="a tune") for row in rows])
    assert read_pieces(packed, table).clean == frozenset()
    write_rows(table, PieceRow, [replace(rows[0], track="0" * 16), *rows[1:]])
    with pytest.raises(CorpusError, match=rows[0].piece):
        read_pieces(packed, table)


def test_a_network_of_something_else_is_refused(tmp_path: Path) -> None:
    settings = {"wavenet": {"stacks": 1, "layers_per_stack": 1}, "training": {"steps": 1, "batch": 1, "window": 16}}
    held = KINDS["wavenet"]
    section = held.section.model_validate(settings)
    file = model_file("wavenet", section.model_dump(mode="json"), {})
    weights = held.build(section, file.facts.by_stream).state_dict()
    write_model(tmp_path / "m.safetensors", replace(file, weights=weights))
    music = write_music(tmp_path / "music", [chorale(2, seed) for seed in range(6)])
    parts(f'{{"source":"folder","folder":"{music}"}}', 1, tmp_path / "parts", tmp_path / "pieces.csv")
    given = (tmp_path / "m.safetensors", tmp_path / "parts", tmp_path / "pieces.csv", tmp_path / "row.json")
    with pytest.raises(ModelFileError, match="no network of music in parts"):
        parts_row("a", "A", "{}", 1, *given)
