from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from descant.config.corpus import Splits
from descant.corpus.pack import Shard, deal_entries, group_entries, pack, read_shards
from descant.corpus.splits import deal
from descant.corpus.table import REJECTED, USED, Entry, write_table
from descant.errors import CorpusError, ResultError, SequenceError
from descant.recordings import open_recordings
from descant.sequences import Labels, SequenceWriter, open_sequence

LENGTHS = st.dictionaries(
    st.text("0123456789abcdef", min_size=16, max_size=16), st.floats(0.1, 600), min_size=3, max_size=60
)
SHARES = st.builds(Splits, validation=st.floats(0.01, 0.4), test=st.floats(0.01, 0.4))


@given(LENGTHS, SHARES, st.integers(0, 2**63 - 1))
def test_laws_of_the_splits(seconds: dict[str, float], splits: Splits, seed: int) -> None:
    dealt = deal(seconds, splits, seed)
    assert set(dealt) == set(seconds)
    assert set(dealt.values()) == {"train", "validation", "test"}
    # the order in which tracks are given does not matter
    assert deal(dict(reversed(seconds.items())), splits, seed) == dealt
    total, longest = sum(seconds.values()), max(seconds.values())
    for name, share in (("validation", splits.validation), ("test", splits.test)):
        got = sum(seconds[track] for track in dealt if dealt[track] == name)
        assert got <= share * total + longest * 1.001
    train = sum(seconds[track] for track in dealt if dealt[track] == "train")
    assert train <= (1 - splits.validation - splits.test) * total + longest * 1.001


def test_seeds_deal_differently_and_shares_are_met() -> None:
    seconds = {f"{n:016x}": 100.0 + n for n in range(100)}
    first = deal(seconds, Splits(), 1)
    assert first == deal(seconds, Splits(), 1) != deal(seconds, Splits(), 2)
    test = sum(seconds[track] for track in first if first[track] == "test")
    assert test / sum(seconds.values()) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_tracks(count: int) -> None:
    with pytest.raises(CorpusError, match="3 are the least"):
        deal({str(n): 1.0 for n in range(count)}, Splits(), 1)


def entry(track: str, source: str, status: str = USED, reason: str = "") -> Entry:
    return Entry(track, source, source, 1.0, 16000, 1, status, "", reason, "")


def shards(folder: Path, parts: list[list[tuple[Entry, int]]]) -> tuple[Shard, ...]:
    for n, part in enumerate(parts):
        with (
            SequenceWriter(folder / f"s{n}", 256, 1, 16000) as classes,
            SequenceWriter(folder / f"w{n}", 0, 1, 16000, dtype=np.int16) as waveform,
        ):
            for one, length in part:
                if length:
                    steps = np.full(length, sum(map(ord, one.track)) % 256)
                    classes.add(one.track, "", one.labels, iter([steps]))
                    waveform.add(one.track, "", one.labels, iter([steps.astype(np.int16) - 300]))
        write_table((one for one, _ in part), folder / f"t{n}.parquet")
    numbers = range(len(parts))
    folders = [[folder / f"{kind}{n}" for n in numbers] for kind in "sw"]
    return read_shards(*folders, [folder / f"t{n}.parquet" for n in numbers])


def test_result_does_not_depend_on_the_shards(tmp_path: Path) -> None:
    items = [(entry(f"id{n}", f"{n:02}.wav"), 100 + n) for n in range(9)]
    items += [(entry("id3", "09.wav"), 103), (entry("tiny", "10.wav"), 0), (entry("", "11.wav", REJECTED, "silent"), 0)]
    results = []
    for count in (1, 2, 5):
        folder = tmp_path / str(count)
        opened = shards(folder, [items[n::count] for n in range(count)])
        entries = pack(opened, Splits(), 1, folder / "all", folder / "waveform", {"07.wav": Labels(artist="Own")}, {})
        packed = [open_sequence(folder / name).fingerprint for name in ("all", "waveform")]
        results.append((entries, packed))
    assert results[0] == results[1] == results[2]
    entries = {one.source: one for one in results[0][0]}
    assert len(entries) == len(items)
    assert entries["09.wav"].reason == "same audio as 03.wav" and entries["09.wav"].duplicate_of == "id3"
    assert entries["10.wav"].reason.startswith("too short") and entries["11.wav"].reason == "silent"
    sequence = open_sequence(tmp_path / "5" / "all")
    assert [track.track for track in sequence.tracks()] == [f"id{n}" for n in range(9)]
    recordings = open_recordings(tmp_path / "5" / "waveform")
    assert recordings.tracks() == sequence.tracks()
    np.testing.assert_array_equal(recordings.data, sequence.data.astype(np.int16) - 300)
    for track in sequence.tracks():
        assert track.split == entries[f"{int(track.track[2:]):02}.wav"].split != ""
        assert set(sequence.steps(track)) == {sum(map(ord, track.track)) % 256}
        name = f"{int(track.track[2:]):02}.wav"
        assert track.labels == entries[name].labels == Labels(name, "Own" if name == "07.wav" else "")
    assert sum(len(sequence.tracks(split)) for split in ("train", "validation", "test")) == 9


def test_too_few_usable_tracks_show_the_first_reasons(tmp_path: Path) -> None:
    bad = [(entry("", f"{n}.wav", REJECTED, f"reason {n}"), 0) for n in range(7)]
    with pytest.raises(CorpusError, match="no usable track, but 3 are the least") as raised:
        pack(shards(tmp_path / "a", [bad]), Splits(), 1, tmp_path / "all", tmp_path / "waveform", {}, {})
    assert "4.wav: reason 4" in str(raised.value) and "and 2 more" in str(raised.value)
    assert not (tmp_path / "all").exists()
    good = [(entry(f"id{n}", f"good{n}.wav"), 10) for n in range(2)]
    with pytest.raises(CorpusError, match="2 usable tracks"):
        pack(shards(tmp_path / "b", [bad, good]), Splits(), 1, tmp_path / "all", tmp_path / "waveform", {}, {})


def test_shards_must_match(tmp_path: Path) -> None:
    shards(tmp_path, [[(entry("a", "a"), 10)]])
    with pytest.raises(SequenceError, match="1 shard sequences, 1 waveforms, 2 tables"):
        read_shards([tmp_path / "s0"], [tmp_path / "w0"], [tmp_path / "t0.parquet"] * 2)
    with SequenceWriter(tmp_path / "other", 256, 1, 8000), SequenceWriter(tmp_path / "none", 0, 1, 8000, dtype="int16"):
        pass
    with pytest.raises(SequenceError, match="differ"):
        read_shards([tmp_path / "s0", tmp_path / "other"], [tmp_path / "w0"] * 2, [tmp_path / "t0.parquet"] * 2)
    with pytest.raises(SequenceError, match="are not of the tracks"):
        read_shards([tmp_path / "s0"], [tmp_path / "none"], [tmp_path / "t0.parquet"])
    with pytest.raises(ResultError, match="cannot be read"):
        read_shards([tmp_path / "s0"], [tmp_path / "w0"], [tmp_path / "none.parquet"])


@pytest.mark.parametrize("kind", "sw")
def test_a_byte_that_changed_in_a_shard_is_not_packed(tmp_path: Path, kind: str) -> None:
    shards(tmp_path, [[(entry("a", "a"), 10)]])
    data = tmp_path / f"{kind}0" / "data.npy"
    whole = data.read_bytes()
    data.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(SequenceError, match="are not those that were written"):
        read_shards([tmp_path / "s0"], [tmp_path / "w0"], [tmp_path / "t0.parquet"])


@given(st.lists(st.integers(0, 9), min_size=30, max_size=60), st.integers(0, 99))
def test_a_piece_is_in_one_split_whatever_plays_it(pieces: list[int], seed: int) -> None:
    entries = [replace(entry(f"{n:016x}", f"{p}.mid"), piece=f"p{p}") for n, p in enumerate(pieces)]
    grouped = group_entries(entries, {})
    assume(len(set(pieces)) >= 3)
    dealt = deal_entries(grouped, {one.track: 1.0 + n for n, one in enumerate(grouped)}, Splits(), seed)
    assert all(len({one.split for one in dealt if one.piece == piece}) == 1 for piece in {one.piece for one in dealt})
    # renderings of one file need no remark; another file with the same notes does
    assert not any(one.reason for one in dealt)
    twin = group_entries([entries[0], replace(entries[0], track="f" * 16, source="twin.mid")], {})
    assert twin[1].reason == f"the same piece as {entries[0].source}, and in one split with it"
