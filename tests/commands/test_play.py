"""What a long score leaves on disk while it is played."""

import errno
from pathlib import Path

import numpy as np
import pytest

from descant.commands.play import _on_disk


def test_blocks_are_mapped_one_after_another(tmp_path: Path) -> None:
    blocks = [np.full((3, 2), 0.5), np.full((4, 2), 1.5)]
    frames = _on_disk(tmp_path / "a.npy", iter(blocks), (7, 2), np.float16)
    assert isinstance(frames, np.memmap) and frames.dtype == np.float16
    assert np.array_equal(frames, np.concatenate(blocks))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a.npy").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as full:
        _on_disk(tmp_path / "a.npy", iter([np.zeros((5000, 88), np.float16)]), (5000, 88), np.float16)
    assert full.value.errno == errno.ENOSPC
