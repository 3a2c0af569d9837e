from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import SequenceError
from descant.sequences import Labels, SequenceWriter, open_sequence, smallest_dtype, total_seconds

TRACKS = st.lists(st.lists(st.integers(0, 299), max_size=200), max_size=6)


def write(folder: Path, tracks: list[list[int]], classes: int = 300, block: int = 7) -> None:
    with SequenceWriter(folder, classes, 8, 16000) as writer:
        for n, steps in enumerate(tracks):
            array = np.array(steps, dtype=np.int64)
            blocks = (array[start : start + block] for start in range(0, len(array), block))
            writer.add(f"t{n}", "train", Labels(f"title {n}", genre="é"), blocks)


@given(TRACKS, st.integers(1, 50))
@settings(deadline=None, max_examples=40)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, tracks: list[list[int]], block: int) -> None:
    folder = tmp_path_factory.mktemp("s")
    write(folder, tracks, block=block)
    opened = open_sequence(folder)
    assert opened.data.dtype == np.uint16 and (opened.classes, opened.hop, opened.sample_rate) == (300, 8, 16000)
    assert [opened.steps(track).tolist() for track in opened.tracks()] == tracks
    for track in opened.tracks():
        read = list(opened.blocks(track, block))
        assert [step for part in read for step in part] == opened.steps(track).tolist()
        assert [len(part) for part in read[:-1]] == [block] * len(read[:-1]) and all(map(len, read))
    assert [track.labels for track in opened.tracks("train")] == [
        Labels(f"title {n}", "", "é") for n in range(len(tracks))
    ]
    assert opened.tracks("test") == []
    assert total_seconds(opened) == pytest.approx(sum(map(len, tracks)) * 8 / 16000)
    assert sorted(path.name for path in folder.iterdir()) == ["data.npy", "index.parquet"]


def test_fingerprint_follows_contents(tmp_path: Path) -> None:
    prints = []
    for n, tracks in enumerate([[[1, 2], [3]], [[1, 2], [3]], [[1, 2], [4]], [[1], [2, 3]]]):
        write(tmp_path / str(n), tracks)
        prints.append(open_sequence(tmp_path / str(n)).fingerprint)
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_labels_leave_the_fingerprint_alone(tmp_path: Path) -> None:
    for artist in ("", "a"):
        with SequenceWriter(tmp_path / f"s{artist}", 4, 1, 16000) as writer:
            writer.add("t", "train", Labels("title", artist), iter([np.arange(4)]))
    assert open_sequence(tmp_path / "s").fingerprint == open_sequence(tmp_path / "sa").fingerprint
    assert [track.labels.name for track in open_sequence(tmp_path / "sa").tracks()] == ["a: title"]
    assert [track.labels.name for track in open_sequence(tmp_path / "s").tracks()] == ["title"]


def test_an_index_of_another_version_is_told(tmp_path: Path) -> None:
    write(tmp_path, [[1]])
    index = tmp_path / "index.parquet"
    pq.write_table(pq.read_table(index).drop_columns(["artist"]), index)
    with pytest.raises(SequenceError, match="another version"):
        open_sequence(tmp_path)


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


def test_data_cut_short_later_are_told(tmp_path: Path) -> None:
    write(tmp_path, [[1] * 1000])
    opened = open_sequence(tmp_path)
    with (tmp_path / "data.npy").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(SequenceError, match="cut short"):
        list(opened.blocks(opened.tracks()[0], 100))


def test_nothing_is_seen_before_close(tmp_path: Path) -> None:
    writer = SequenceWriter(tmp_path, 256, 1, 16000)
    writer.add("t", "", Labels(), iter([np.arange(10)]))
    assert not (tmp_path / "data.npy").exists()
    writer.close()
    assert len(open_sequence(tmp_path).data) == 10


def test_no_pickle_is_read(tmp_path: Path) -> None:
    write(tmp_path, [[1]])
    np.save(tmp_path / "data.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SequenceError):
        open_sequence(tmp_path)
