"""Whatever file a step of the pipeline reads: cut short anywhere, it is refused, and the way out is shown."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import model_file

from descant.errors import DescantError
from descant.evaluation.reconstruction import Stretch, read_draws
from descant.evaluation.structure.files import read_similarity
from descant.evaluation.structure.measure import SIMILARITY_FILE
from descant.modelfile import read_model, write_model
from descant.sampling.files import read_steps
from descant.sequences import Labels, PackedSequence, Track, open_sequence
from descant.steps import write_steps

PARTS = 64
# more than any machine has
CLAIMED = 1 << 50


def make_model(folder: Path) -> Path:
    weights = {"weight": torch.arange(600.0).view(20, 30), "steps": torch.tensor(3)}
    write_model(folder / "model.safetensors", model_file("wavenet", {}, weights))
    return folder / "model.safetensors"


def make_steps(folder: Path) -> Path:
    write_steps(folder / "top.npy", np.arange(600, dtype=np.uint8).reshape(2, 300) % 16)
    return folder / "top.npy"


@pytest.mark.parametrize("name", ["model.safetensors", "data.npy", "index.parquet", "top.npy"])
def test_cut_short_anywhere_it_is_refused(
    tmp_path: Path, sequence_of: Callable[..., PackedSequence], name: str
) -> None:
    sequence_of(tmp_path, {"train": (192, 96), "validation": (128,)})
    made = {"model.safetensors": make_model, "top.npy": make_steps}
    path = made[name](tmp_path) if name in made else tmp_path / name

    def read() -> None:
        if name == "model.safetensors":
            read_model(path)
        elif name == "top.npy":
            read_steps(path, 16)
        else:
            open_sequence(tmp_path)

    whole = path.read_bytes()
    read()
    for part in range(PARTS):
        path.write_bytes(whole[: len(whole) * part // PARTS])
        with pytest.raises(DescantError) as shown:
            read()
        assert "run snakemake again" in shown.value.cure, f"cut at {part}/{PARTS}"


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_steps(path, 16),
        lambda path: read_draws(path, [Stretch(Track("a", 0, 9, "test", Labels()), 0, 9)]),
        lambda path: read_similarity(path.parent),
    ],
)
def test_a_header_that_claims_more_than_the_file_holds_allocates_nothing(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    for dtype in (np.uint8, np.float32):
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (2, CLAIMED)}
        path = tmp_path / SIMILARITY_FILE
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.write(bytes(1000))
        with pytest.raises(DescantError) as shown:
            read(path)
        assert "run snakemake again" in shown.value.cure
