import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from descant.errors import SequenceError
from descant.sequencefacts import MOST_TRACKS, REAL_TYPES, smallest_dtype
from descant.sequences import (
    INDEX_COLUMNS,
    METADATA_KEY,
    Labels,
    SequenceWriter,
    filled,
    open_checked,
    open_sequence,
    total_seconds,
)

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


def test_an_index_that_names_no_instruments_is_read(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path, 4, 1, 16000) as writer:
        writer.add("t", "train", Labels("title", instrument="Harp"), iter([np.arange(4)]))
    index = tmp_path / "index.parquet"
    written = pq.read_table(index)
    assert open_checked(tmp_path).tracks()[0].labels == Labels("title", instrument="Harp")
    pq.write_table(written.drop_columns(["instrument"]), index)
    assert open_checked(tmp_path).tracks()[0].labels == Labels("title")


def test_an_index_of_another_version_is_reported(tmp_path: Path) -> None:
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


def test_torn_and_missing_are_reported(tmp_path: Path) -> None:
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


def test_data_cut_short_later_are_reported(tmp_path: Path) -> None:
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


def real_tracks(dtype: str, channels: int) -> st.SearchStrategy[list[npt.NDArray[Any]]]:
    kind = np.dtype(dtype)
    values = (
        st.integers(-(2**15), 2**15 - 1)
        if kind.kind == "i"
        else st.floats(width=16 if dtype == "float16" else 32, allow_nan=False, allow_infinity=False)
    )
    shapes = st.integers(0, 30).map(lambda steps: (steps, channels) if channels else (steps,))
    return st.lists(shapes.flatmap(lambda shape: hnp.arrays(kind, shape, elements=values)), max_size=4)


@given(data=st.data(), dtype=st.sampled_from(REAL_TYPES), channels=st.integers(0, 5), block=st.integers(1, 9))
def test_real_values_and_channels_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, dtype: str, channels: int, block: int
) -> None:
    tracks = data.draw(real_tracks(dtype, channels), label="tracks")
    folder = tmp_path_factory.mktemp("real")
    with SequenceWriter(folder, 0, 128, 16000, channels, dtype) as writer:
        for n, steps in enumerate(tracks):
            parts = (steps[start : start + block] for start in range(0, len(steps), block))
            assert writer.add(f"t{n}", "train", Labels(), parts) == len(steps)
    opened = open_sequence(folder)
    assert (opened.classes, opened.channels, opened.rate, opened.unit) == (0, channels, 125, "second")
    assert opened.data.dtype == dtype and opened.name == folder.name
    for track, steps in zip(opened.tracks(), tracks, strict=True):
        np.testing.assert_array_equal(opened.steps(track), steps)
        read = list(opened.blocks(track, block))
        np.testing.assert_array_equal(np.concatenate([*read, steps[:0]]), steps)


@given(roll=hnp.arrays(np.uint8, (23, 88), elements=st.integers(0, 1)))
def test_a_piano_roll_is_two_classes_in_as_many_channels_as_keys(
    tmp_path_factory: pytest.TempPathFactory, roll: npt.NDArray[np.uint8]
) -> None:
    folder = tmp_path_factory.mktemp("roll")
    with SequenceWriter(folder, 2, 1, 4, 88, unit="quarter") as writer:
        writer.add("t", "train", Labels(), [roll])
    opened = open_sequence(folder)
    np.testing.assert_array_equal(opened.data, roll)
    assert (opened.rate, opened.unit, opened.form) == (4, "quarter", (2, 1, 4, 88, None, "quarter"))


@pytest.mark.parametrize(
    ("dtype", "steps"),
    [
        ("int16", np.array([1.5])),
        ("int16", np.array([40_000])),
        ("float16", np.array([1e6])),
        ("float16", np.array([0.0, np.nan])),
        ("float32", np.array([np.inf])),
        ("float32", np.zeros((3, 2))),
    ],
)
def test_what_a_real_type_does_not_hold_is_refused(tmp_path: Path, dtype: str, steps: npt.NDArray[Any]) -> None:
    with pytest.raises(SequenceError, match="track t has steps"), SequenceWriter(tmp_path, 0, 1, 1, 0, dtype) as writer:
        writer.add("t", "train", Labels(), [steps])


@pytest.mark.parametrize(("classes", "dtype"), [(0, None), (16, "float32"), (0, "float64"), (0, "uint8")])
def test_a_sequence_has_classes_or_a_real_type(tmp_path: Path, classes: int, dtype: str | None) -> None:
    with pytest.raises(ValueError, match="give classes, or one of"):
        SequenceWriter(tmp_path / "s", classes, 1, 1, 0, dtype)
    assert not (tmp_path / "s").exists()


def test_the_fingerprint_of_classes_is_of_bytes_and_places_alone(tmp_path: Path) -> None:
    write(tmp_path, [[1, 2, 299], [3]])
    opened = open_sequence(tmp_path)
    places = "track,offset,length,split\nt0,0,3,train\nt1,3,1,train\n"
    expected = np.array([1, 2, 299, 3], "<u2").tobytes() + places.encode()
    assert opened.fingerprint == hashlib.sha256(expected).hexdigest()


def test_the_same_bytes_of_another_type_or_form_have_another_fingerprint(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.int16)
    forms: list[tuple[int, str | None, npt.NDArray[Any]]] = [
        (0, "int16", values),
        (0, "float16", values.view(np.float16)),
        (2, "int16", values.reshape(3, 2)),
        (3, "int16", values.reshape(2, 3)),
    ]
    found = set()
    for n, (channels, dtype, steps) in enumerate(forms):
        with SequenceWriter(tmp_path / str(n), 0, 1, 1, channels, dtype) as writer:
            writer.add("t", "train", Labels(), [steps])
        found.add(open_sequence(tmp_path / str(n)).fingerprint)
    assert len(found) == len(forms)


def test_two_rates_have_an_exact_ratio_where_they_share_a_unit(tmp_path: Path) -> None:
    made = {}
    rates = {"audio": (1, 22050, "second"), "mel": (128, 16000, "second"), "score": (1, 4, "quarter")}
    for name, (hop, rate, unit) in rates.items():
        with SequenceWriter(tmp_path / name, 2, hop, rate, unit=unit):
            pass
        made[name] = open_sequence(tmp_path / name)
    assert made["mel"].steps_per_step_of(made["audio"]) == Fraction(125, 22050)
    with pytest.raises(SequenceError, match="no common time"):
        made["score"].steps_per_step_of(made["mel"])


def rewrite(folder: Path, facts: dict[str, Any] | None = None, **columns: list[Any]) -> None:
    """Change columns of an index, or what it says of the whole."""
    table = pq.read_table(folder / "index.parquet")
    stated = {**json.loads(table.schema.metadata[METADATA_KEY]), **(facts or {})}
    frame = pd.DataFrame({**table.to_pandas()[list(INDEX_COLUMNS)].to_dict("list"), **columns})
    changed = pa.Table.from_pandas(frame, preserve_index=False)
    changed = changed.replace_schema_metadata({METADATA_KEY: json.dumps(stated).encode()})
    pq.write_table(changed, folder / "index.parquet")


STRANGE_DATA = {
    "floats": np.zeros(6),
    "wider integers": np.zeros(6, np.uint32),
    "negative integers": np.full(6, -1, np.int16),
    "two dimensions": np.zeros((6, 1), np.uint16),
    "no dimension": np.array(3, np.uint16),
    "a structure": np.zeros(6, [("a", np.uint16)]),
    "fewer steps": np.zeros(5, np.uint16),
}


def test_channels_that_lie_one_after_another_are_refused(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path, 9, 1, 1, 2) as writer:
        writer.add("t", "train", Labels(), [np.arange(8).reshape(4, 2)])
    held = np.load(tmp_path / "data.npy")
    np.save(tmp_path / "data.npy", np.asfortranarray(held))
    with pytest.raises(SequenceError, match="channel by channel"):
        open_sequence(tmp_path)


@pytest.mark.parametrize("name", STRANGE_DATA)
def test_data_of_another_form_than_the_index_states_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, [[1, 2, 3], [4, 5, 6]])
    np.save(tmp_path / "data.npy", STRANGE_DATA[name])
    with pytest.raises(SequenceError, match=r"data\.npy"):
        open_sequence(tmp_path)


STRANGE_INDEX: dict[str, dict[str, Any]] = {
    "an offset beyond the file": {"offset": [0, 7]},
    "tracks that overlap": {"offset": [0, 2]},
    "a negative length": {"length": [7, -1]},
    "a track longer than the data": {"length": [2**62, 2**62]},
    "fewer steps than the data": {"length": [3, 2]},
    "offsets that are no whole numbers": {"offset": [0.0, 3.5]},
    "a track that is no text": {"track": [1, 2]},
    "a missing label": {"title": ["a", None]},
    "no rate": {"facts": {"hop": 0}},
    "negative classes": {"facts": {"classes": -3}},
    "an unknown unit": {"facts": {"unit": "furlong"}},
    "a fact that is not known": {"facts": {"more": 1}},
    "channels that are not there": {"facts": {"channels": 2}},
}


@pytest.mark.parametrize("name", STRANGE_INDEX)
def test_an_index_that_contradicts_its_data_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, [[1, 2, 3], [4, 5, 6]])
    rewrite(tmp_path)
    assert len(open_sequence(tmp_path).data) == 6, "what is rewritten alike opens"
    rewrite(tmp_path, **STRANGE_INDEX[name])
    with pytest.raises(SequenceError):
        open_sequence(tmp_path)


def test_an_index_is_not_read_where_it_has_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = MOST_TRACKS + 1
    columns = {name: pa.array(np.zeros(count, np.int64)) for name in ("offset", "length")}
    columns |= {name: pa.array(np.full(count, "")) for name in INDEX_COLUMNS if name not in columns}
    write(tmp_path, [[1]])
    pq.write_table(pa.table(columns), tmp_path / "index.parquet")
    assert (tmp_path / "index.parquet").stat().st_size < 1 << 20

    def refuse(*given: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(pq.ParquetFile, "read", refuse)
    with pytest.raises(SequenceError, match="1,000,001 rows"):
        open_sequence(tmp_path)


@given(st.data())
def test_a_bit_that_flipped_in_the_data_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    write(folder, [[1, 2, 3], [299, 5]])
    opened = open_checked(folder)
    opened.check_bytes()
    whole = (folder / "data.npy").read_bytes()
    at, bit = data.draw(st.integers(opened.data.offset, len(whole) - 1)), data.draw(st.integers(0, 7))
    (folder / "data.npy").write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    with pytest.raises(SequenceError, match="are not those that were written"):
        open_checked(folder)


@pytest.mark.parametrize("form", [{"classes": 0, "channels": 3, "dtype": "float16"}, {"classes": 2, "channels": 4}])
def test_sequences_of_every_form_are_what_was_written(tmp_path: Path, form: dict[str, Any]) -> None:
    with SequenceWriter(tmp_path, hop=8, sample_rate=16000, **form) as writer:
        for number in range(3):
            writer.add(f"t{number}", "train", Labels(), [np.ones((number, form["channels"]), form.get("dtype", int))])
    assert len(open_checked(tmp_path).data) == 3


def test_steps_that_are_not_below_the_classes_are_found(tmp_path: Path) -> None:
    write(tmp_path, [[1, 2, 3]], classes=4)
    data = np.array([1, 9, 3], np.uint8)
    np.save(tmp_path / "data.npy", data)
    # whoever can write the data can write their digest
    table = pq.read_table(tmp_path / "index.parquet")
    places = table.select(["track", "offset", "length", "split"]).to_pandas().to_csv(index=False).encode()
    facts = json.loads(table.schema.metadata[METADATA_KEY])
    facts["fingerprint"] = hashlib.sha256(data.tobytes() + places).hexdigest()
    pq.write_table(
        table.replace_schema_metadata({METADATA_KEY: json.dumps(facts).encode()}), tmp_path / "index.parquet"
    )
    with pytest.raises(SequenceError, match="are not those that were written"):
        open_checked(tmp_path)


@given(length=st.integers(1, 60), multiple=st.integers(1, 70), channels=st.sampled_from([None, 1, 3]))
def test_a_last_hop_is_filled_with_the_last_step(length: int, multiple: int, channels: int | None) -> None:
    steps = np.random.default_rng(length).integers(0, 99, (length, channels) if channels else length)
    full = filled(steps, multiple)
    assert len(full) % multiple == 0 and 0 <= len(full) - length < multiple
    np.testing.assert_array_equal(full[:length], steps)
    assert (full[length:] == steps[-1]).all()
