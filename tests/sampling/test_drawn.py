"""Drawn steps on disk: what was appended is what is read, and what was kept is known to be whole."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.sampling.drawn import DrawnSteps


@given(
    batch=st.integers(1, 4),
    classes=st.sampled_from([2, 256, 257, 65536, 65537]),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_what_is_appended_is_read(
    tmp_path_factory: pytest.TempPathFactory, batch: int, classes: int, sizes: list[int]
) -> None:
    path = tmp_path_factory.mktemp("drawn") / "drawn.bin"
    steps = torch.randint(classes, (batch, sum(sizes)), generator=torch.Generator().manual_seed(len(sizes)))
    steps[0, 0] = classes - 1
    with DrawnSteps(path, batch, classes) as drawn:
        assert drawn.read().shape == (batch, 0)
        for part in steps.split(sizes, dim=1):
            drawn.append(part)
        read = drawn.read()
        assert read.dtype == np.min_scalar_type(classes - 1)
        assert np.array_equal(read, steps.numpy())


@pytest.mark.parametrize("kept", [0, 1, 7, 12])
def test_the_digest_is_that_of_what_is_kept_whatever_the_parts(tmp_path: Path, kept: int) -> None:
    steps = torch.arange(24).view(2, 12)
    with DrawnSteps(tmp_path / "one", 2, 256) as one:
        one.append(steps[:, :kept])
        expected = one.digest
        one.append(steps[:, kept:])
        one.sync()
    with DrawnSteps(tmp_path / "one", 2, 256) as again:
        assert again.keep(kept, expected)
        assert torch.equal(again.digest, expected)
        again.append(steps[:, kept:])
        assert np.array_equal(again.read(), steps.numpy())


def test_a_changed_or_short_file_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = tmp_path / "drawn.bin"
    with DrawnSteps(path, 2, 256) as drawn:
        drawn.append(torch.arange(24).view(2, 12))
        digest = drawn.digest
    whole = path.read_bytes()
    for harmed in (whole[:-1], b"", whole[:5] + bytes([whole[5] ^ 1]) + whole[6:]):
        path.write_bytes(harmed)
        with DrawnSteps(path, 2, 256) as drawn:
            assert not drawn.keep(12, digest)
            # and it can be begun anew
            assert drawn.keep(0, None)
            drawn.append(torch.zeros(2, 1, dtype=torch.int64))
            assert drawn.read().tolist() == [[0], [0]]
