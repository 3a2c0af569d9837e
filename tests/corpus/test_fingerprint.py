from pathlib import Path

import numpy as np
import pytest

from descant.corpus.fingerprint import read_fingerprints, write_fingerprints
from descant.errors import ResultError


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    given = {
        "a" * 16: np.arange(5, dtype=np.uint32),
        "b" * 16: np.zeros(0, np.uint32),
        "c" * 16: ~np.arange(3, dtype="u4"),
    }
    write_fingerprints(given, tmp_path / "some.parquet")
    found = read_fingerprints(tmp_path / "some.parquet")
    assert list(found) == list(given)
    for track, words in given.items():
        np.testing.assert_array_equal(found[track], words)
    write_fingerprints({}, tmp_path / "none.parquet")
    assert read_fingerprints(tmp_path / "none.parquet") == {}
    (tmp_path / "none.parquet").write_bytes(b"PAR1")
    with pytest.raises(ResultError, match="cannot be read"):
        read_fingerprints(tmp_path / "none.parquet")
