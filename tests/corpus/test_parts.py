"""Where pieces in parts come from, and what becomes of them: splits by tune, keys, transposed copies, reasons."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from grids import chorale
from hypothesis import given
from hypothesis import strategies as st

from descant.config.corpus import Splits
from descant.config.parts import Parts
from descant.corpus.parts import Candidate, candidates, pieces_of_frames
from descant.corpus.parts_dealing import arrange, piece_id, to_c
from descant.corpus.tunes import tune_groups
from descant.errors import CorpusError
from descant.scores import polyphony
from descant.scores.key import NAMES, key_of
from descant.scores.part_writing import midi_of, musicxml_of
from descant.scores.parts import (
    HELD,
    REST,
    SILENCE,
    Grid,
    PartNote,
    decode,
    encode,
    ranges,
    sounding,
    transposed,
    unframed,
)

CHORALES = Parts(splits=Splits(validation=0.2, test=0.2))


def pieces(number: int = 20) -> list[Candidate]:
    """Pieces of different tunes; the second half are settings of the first's."""
    found = []
    for place in range(number):
        tune, setting = np.random.default_rng(place % (number // 2)), np.random.default_rng(100 + place)
        grid = np.full((64, 4), HELD, np.uint8)
        grid[::2, 0] = 72 + np.cumsum(tune.choice([-2, -1, 1, 2], 32)) % 8
        grid[::4, 1:] = np.array([65, 57, 48]) + setting.integers(0, 5, (16, 3))
        found.append(Candidate(f"piece {place}", grid=transposed(grid, place % 5)))
    return found


def test_a_tune_is_in_one_split_and_no_piece_moves_for_its_name() -> None:
    read = pieces()
    rows, tracks = arrange(read, CHORALES, seed=1)
    assert {row.split for row in rows} == {"train", "validation", "test"}
    assert all(row.used and row.copies == 0 and row.measures == 4 for row in rows)
    for first, second in zip(rows[:10], rows[10:], strict=True):
        assert first.group == second.group is not None and first.split == second.split
    assert [track.track for track in tracks] == [row.track for row in rows]
    renamed, _ = arrange([Candidate(f"x{place}", grid=piece.grid) for place, piece in enumerate(read)], CHORALES, 1)
    assert [row.split for row in renamed] == [row.split for row in rows]
    other, _ = arrange(read, CHORALES, seed=2)
    assert [row.split for row in other] != [row.split for row in rows]


def test_copies_in_other_keys_are_of_training_pieces_alone() -> None:
    rows, tracks = arrange(pieces(), CHORALES.model_copy(update={"transpose": "all"}), seed=1)
    plain, originals = arrange(pieces(), CHORALES, seed=1)
    assert [row.split for row in rows] == [row.split for row in plain]
    assert [track.grid.tobytes() for track in tracks[:20]] == [track.grid.tobytes() for track in originals]
    copies = tracks[20:]
    assert copies and len(copies) == sum(row.copies or 0 for row in rows)
    assert len({t.track for t in tracks}) == len(tracks)
    assert {track.split for track in copies} == {"train"}
    seen = ranges(track.grid for track in originals if track.split == "train")
    for track in copies:
        assert all(r.low >= s.low and r.high <= s.high for r, s in zip(ranges([track.grid]), seen, strict=True))
    assert copies[0].labels.title.endswith("semitones)")


def test_all_to_c_is_one_track_a_piece() -> None:
    rows, tracks = arrange(pieces(), CHORALES.model_copy(update={"transpose": "c"}), seed=1)
    assert len(tracks) == len(rows) == 20
    assert {key_of(track.grid) for track in tracks} <= {"C major", "A minor"}
    for piece, row, track in zip(pieces(), rows, tracks, strict=True):
        assert piece.grid is not None and row.transposed_by is not None
        kept = unframed(track.grid) if row.split == "train" else track.grid
        assert np.array_equal(transposed(piece.grid, row.transposed_by), kept) and row.copies == 0


def test_what_is_trained_on_begins_and_ends_in_silence() -> None:
    for track in arrange(pieces(), CHORALES, seed=1)[1]:
        is_silent = (sounding(track.grid) == SILENCE).all(1).reshape(-1, 16).all(1)
        assert is_silent.tolist() == ([True] + [False] * 4 + [True] if track.split == "train" else [False] * 4)


@given(st.integers(0, 11), st.booleans())
def test_the_way_to_c_is_the_shorter_one(tonic: int, minor: bool) -> None:
    shift = to_c(NAMES[tonic + 12 * minor])
    assert (tonic + shift) % 12 == (9 if minor else 0) and -5 <= shift <= 6
    assert to_c(None) == 0


def test_the_key_is_found_from_what_sounds() -> None:
    grid = chorale()
    assert key_of(grid) == "C major" and key_of(transposed(grid, 2)) == "D major"
    # a piece that ends on G, and might as well be in G
    for last, key in ((48, "C major"), (55, "G major")):
        scale = encode([[PartNote(at, at + 1, pitch) for at, pitch in enumerate((60, 62, 64, 67, 69, 71, last))]], 16)
        assert key_of(scale) == key
    assert key_of(np.full((16, 4), REST, np.uint8)) is None


def test_a_piece_that_occurs_twice_is_used_once_and_others_keep_their_reason() -> None:
    read = pieces()
    again = Candidate("copy", grid=read[3].grid)
    bad = Candidate("bad", reason="5 parts, not 4")
    rows, tracks = arrange([*read, again, bad], CHORALES, seed=1)
    assert len(tracks) == 20 and len(rows) == 22
    assert (rows[20].used, rows[20].reason, rows[20].split) == (False, "the same notes as piece 3", None)
    assert (rows[21].used, rows[21].reason, rows[21].track) == (False, "5 parts, not 4", None)


def test_too_few_tunes_are_refused_with_a_cure() -> None:
    with pytest.raises(CorpusError, match="2 usable pieces of 2 tunes") as refused:
        arrange(pieces()[:2], CHORALES, seed=1)
    assert "4 parts" in refused.value.cure


def test_jsb16_keeps_its_splits_and_fills_its_last_measure() -> None:
    def frames(base: int, length: int) -> list[list[float]]:
        return [[base + 12 + step // 8, -1.0 if step < 4 else base + 7, base + 4, base] for step in range(length)]

    splits = {name: [frames(base, 20)] for name, base in (("train", 50), ("valid", 52), ("test", 55))}
    read = list(pieces_of_frames(splits))
    assert [(piece.source, piece.split) for piece in read] == [
        ("train 0", "train"), ("valid 0", "validation"), ("test 0", "test"),
    ]  # fmt: skip
    grid = read[0].grid
    assert grid is not None and grid.shape == (32, 4)
    assert sounding(grid)[:20, 0].tolist() == [62] * 8 + [63] * 8 + [64] * 4
    assert grid[0].tolist() == [62, REST, 54, 50] and grid[1].tolist() == [HELD] * 4 and grid[20].tolist() == [REST] * 4
    rows, _ = arrange(read, Parts(source="jsb16", jsb16="x"), seed=1)
    assert [row.split for row in rows] == ["train", "validation", "test"]


def test_another_file_is_not_jsb16(tmp_path: Path) -> None:
    path = tmp_path / "Jsb16thSeparated.json"
    path.write_text("{}")
    with pytest.raises(CorpusError, match="sha256") as refused:
        list(candidates(Parts(source="jsb16", jsb16=str(path))))
    assert "czhuang" in refused.value.cure


def test_a_folder_of_any_names_is_read_and_what_is_no_music_in_parts_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "sub {x}").mkdir()
    (tmp_path / "sub {x}" / "one *.mid").write_bytes(midi_of(chorale()))
    (tmp_path / "two.musicxml").write_bytes(musicxml_of(transposed(chorale(), 2), "Two"))
    (tmp_path / "three.xml").write_text("<html/>")
    (tmp_path / "four.mid").write_bytes(b"MThd")
    (tmp_path / "notes.txt").write_text("nothing")
    found = {piece.source: piece for piece in candidates(Parts(source="folder", folder=str(tmp_path)))}
    assert set(found) == {"sub {x}/one *.mid", "two.musicxml", "three.xml", "four.mid"}
    assert np.array_equal(grid_of(found["sub {x}/one *.mid"]), chorale())
    assert found["two.musicxml"].title == "Two"
    assert all(found[name].grid is None and found[name].reason for name in ("three.xml", "four.mid"))


def test_an_empty_or_missing_folder_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(CorpusError, match=r"parts\.folder"):
            list(candidates(Parts(source="folder", folder=str(folder))))


def grid_of(piece: Candidate) -> Grid:
    assert piece.grid is not None
    return piece.grid


def test_ids_follow_content() -> None:
    names = {piece_id(Candidate(name), chorale()) for name in ("a", "b")}
    assert len(names) == 1 and piece_id(Candidate("a"), transposed(chorale(), 1)) not in names
    assert tune_groups({"a": chorale(), "b": chorale()}, {"a": "", "b": ""}) == {}, "eight notes are no tune"


def test_a_benchmark_is_kept_whole_with_what_it_holds_twice() -> None:
    one, other = pieces()[:2]
    read = [replace(one, split="train"), replace(other, split="validation"), replace(one, source="again", split="test")]
    rows, tracks = arrange(read, Parts(source="jsb16", jsb16="x"), seed=1)
    assert all(row.used for row in rows) and len({track.track for track in tracks}) == 3
    assert [row.split for row in rows] == ["train", "validation", "test"]
    assert rows[0].group == rows[2].group is not None, "the table knows that its tune is in training"


@pytest.mark.parametrize("transpose", ["c", "all"])
def test_the_same_music_as_rolls_is_dealt_alike(transpose: Literal["c", "all"]) -> None:
    settings = CHORALES.model_copy(update={"transpose": transpose})
    as_rolls = [
        replace(piece, grid=polyphony.encode(decode(piece.grid), len(piece.grid)))
        for piece in pieces()
        if piece.grid is not None
    ]
    rows, _ = arrange(pieces(), settings, 1)
    # ids are of what is written, so that splits are others
    of_rolls, rolls = arrange(as_rolls, settings.model_copy(update={"form": "polyphonic"}), 1)
    groups = [[row.group for row in one] for one in (rows, of_rolls)]
    assert [groups[0].index(group) for group in groups[0]] == [groups[1].index(group) for group in groups[1]]
    assert [(row.key, row.measures, row.transposed_by) for row in rows] == [
        (row.key, row.measures, row.transposed_by) for row in of_rolls
    ]
    assert len(rolls) == 20 + sum(row.copies or 0 for row in of_rolls)
    for track, piece in zip(rolls, of_rolls, strict=False):
        assert len(track.grid) == 16 * ((piece.measures or 0) + 2 * (track.split == "train"))
    voices = polyphony.ranges((track.grid for track in rolls[:20] if track.split == "train"), 4)
    for track in rolls[20:]:
        assert all(
            r.low >= s.low and r.high <= s.high for r, s in zip(polyphony.ranges([track.grid], 4), voices, strict=True)
        )
