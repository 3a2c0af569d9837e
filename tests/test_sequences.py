from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import SequenceError
from descant.sequences import SequenceWriter, blocks_of, open_sequence, smallest_dtype, total_seconds

TRACKS = st.lists(st.lists(st.integers(0, 299), max_size=200), max_size=6)


def write(folder: Path, tracks: list[list[int]], classes: int = 300, block: int = 7) -> None:
    with SequenceWriter(folder, classes, 8, 16000) as writer:
        for n, steps in enumerate(tracks):
            writer.add(f"t{n}", "train", f"title {n}", blocks_of(np.array(steps, dtype=np.int64), block))


@given(TRACKS, st.integers(1, 50))
@settings(deadline=None, max_examples=40)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, tracks: list[list[int]], block: int) -> None:
    folder = tmp_path_factory.mktemp("s")
    write(folder, tracks, block=block)
    opened = open_sequence(folder)
    assert opened.data.dtype == np.uint16 and (opened.classes, opened.hop, opened.sample_rate) == (300, 8, 16000)
    assert [opened.steps(track).tolist() for track in opened.tracks()] == tracks
    assert [track.title for track in opened.tracks("train")] == [f"title {n}" for n in range(len(tracks))]
    assert opened.tracks("test") == []
    assert total_seconds(opened) == pytest.approx(sum(map(len, tracks)) * 8 / 16000)
    assert sorted(path.name for path in folder.iterdir()) == ["data.npy", "index.parquet"]


def test_fingerprint_follows_contents(tmp_path: Path) -> None:
    prints = []
    for n, tracks in enumerate([[[1, 2], [3]], [[1, 2], [3]], [[1, 2], [4]], [[1], [2, 3]]]):
        write(tmp_path / str(n), tracks)
        prints.append(open_sequence(tmp_path / str(n)).fingerprint)
    assert prints[0] == prints[1] and len(set(prints)) == 3


@pytest.mark.parametrize(("classes", "kind"), [(2, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16")])
def test_smallest_type(classes: int, kind: str) -> None:
    assert smallest_dtype(classes) == np.dtype(kind)


@pytest.mark.parametrize("bad", [256, 1000, -1])
def test_steps_outside_the_classes_are_refused(tmp_path: Path, bad: int) -> None:
    with pytest.raises(SequenceError, match="outside"):
        write(tmp_path / "s", [[1, bad]], classes=256)
    assert not list((tmp_path / "s").iterdir())


def test_torn_and_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="no readable sequence"):
        open_sequence(tmp_path / "nothing")
    write(tmp_path, [[1] * 1000])
    data = tmp_path / "data.npy"
    whole = data.read_bytes()
    for length in (0, 10, 128, len(whole) - 1, len(whole) // 2):
        data.write_bytes(whole[:length])
        with pytest.raises(SequenceError):
            open_sequence(tmp_path)
    data.write_bytes(whole)
    index = tmp_path / "index.parquet"
    index.write_bytes(index.read_bytes()[:-20])
    with pytest.raises(SequenceError):
        open_sequence(tmp_path)


def test_nothing_is_seen_before_close(tmp_path: Path) -> None:
    writer = SequenceWriter(tmp_path, 256, 1, 16000)
    writer.add("t", "", "", iter([np.arange(10)]))
    assert not (tmp_path / "data.npy").exists()
    writer.close()
    assert len(open_sequence(tmp_path).data) == 10


def test_no_pickle_is_read(tmp_path: Path) -> None:
    write(tmp_path, [[1]])
    np.save(tmp_path / "data.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SequenceError):
        open_sequence(tmp_path)
