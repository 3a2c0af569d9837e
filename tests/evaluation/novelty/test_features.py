"""What is compared of a track does not depend on how it is read, and follows its notes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waveforms import record

from descant.audio import mulaw
from descant.audio.fingerprint import fingerprint
from descant.errors import ResultError
from descant.evaluation.novelty.features import TrackFeatures, open_features, write_features
from descant.evaluation.novelty.pitch import BANDS, LOWEST, MARGIN, TRANSPOSITIONS, pitch_grid, transposed
from descant.evaluation.novelty.search import NOTHING, search_fingerprints, search_notes, window_words
from descant.recordings import read_recording
from descant.sequences import Labels, PackedSequence

RATE = 16000


def chords(seconds: float, seed: int, semitones: float = 0, beat: float = 0.3) -> npt.NDArray[np.float32]:
    """Three notes on every beat, another piece for each seed."""
    random = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * RATE))
    for onset in np.arange(0, seconds, beat):
        notes, start = random.integers(48, 84, 3), round(onset * RATE)
        time = np.arange(min(len(audio) - start, round(1.5 * RATE))) / RATE
        for note in notes:
            hertz = 440 * 2 ** ((note + semitones - 69) / 12)
            audio[start : start + len(time)] += 0.1 * np.exp(-3 * time) * np.sin(2 * np.pi * hertz * time)
    return audio.astype(np.float32)


def track_of(audio: npt.NDArray[np.float32]) -> TrackFeatures:
    words, cells = fingerprint([audio[:, None]], RATE), pitch_grid([audio], RATE)
    return TrackFeatures("a" * 16, "A", len(audio) / RATE, words, cells.astype(np.float16))


@given(st.lists(st.integers(1, 20000), min_size=1, max_size=6))
@settings(max_examples=10)
def test_blocks_do_not_matter(sizes: list[int]) -> None:
    audio = chords(6, 1)
    bounds = np.cumsum(sizes * (1 + len(audio) // sum(sizes)))
    parts = np.split(audio, bounds[bounds < len(audio)])
    np.testing.assert_allclose(pitch_grid(parts, RATE), pitch_grid([audio], RATE), atol=1e-6)


@pytest.mark.parametrize("note", [45, 60, 69, 88])
def test_a_note_is_loudest_in_its_band(note: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * np.arange(2 * RATE) / RATE)
    grid = pitch_grid([tone.astype(np.float32)], RATE)
    assert grid.shape == (8, BANDS)
    assert set((grid.argmax(axis=1) + LOWEST - MARGIN).tolist()) == {note}


def test_silence_and_loudness_count_for_nothing() -> None:
    assert not transposed(pitch_grid([np.zeros(RATE, np.float32)], RATE), 0).any()
    grid = pitch_grid([chords(3, 2)], RATE)
    np.testing.assert_allclose(transposed(grid, 0), transposed(7 * grid, 0), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(transposed(grid, 3), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("semitones", [-3, 0, 2])
def test_notes_are_found_in_another_key_at_their_place(semitones: int) -> None:
    assert semitones in TRANSPOSITIONS
    training = [track_of(chords(20, seed)) for seed in (1, 2)]
    excerpt = chords(20, 2, semitones)[8 * RATE : 13 * RATE]
    found = search_notes([excerpt, np.zeros(5 * RATE, np.float32)], RATE, training)
    assert found[1] is None
    best = found[0]
    assert best is not None and best.score > 3.5 and best.transposition == semitones
    assert best.track_start - best.start == pytest.approx(8, abs=0.3)


def test_a_fingerprint_is_found_off_the_grid_and_silence_is_reported() -> None:
    track = track_of(chords(30, 3))
    start = 12.3456
    clip = chords(30, 3)[round(start * RATE) : round((start + 5) * RATE)]
    copy = mulaw.decode(mulaw.encode(0.5 * clip))
    sine = (0.3 * np.sin(2 * np.pi * 440 * np.arange(5 * RATE) / RATE)).astype(np.float32)
    found = search_fingerprints([copy, np.zeros(5 * RATE, np.float32), sine], RATE, [track])
    assert found[0] is not None and found[0].score > 0.93
    assert found[0].track_start == pytest.approx(start, abs=0.05)
    assert found[1] is None and found[2] is None


def test_a_window_longer_than_every_track_finds_nothing() -> None:
    track = track_of(chords(2, 4))
    assert search_fingerprints([chords(4, 5)], RATE, [track]) == [NOTHING]
    assert window_words(RATE // 4, RATE) == 0
    assert search_notes([chords(4, 5)], RATE, []) == [NOTHING]
    assert search_notes([], RATE, [track]) == search_fingerprints([], RATE, [track]) == []


@pytest.fixture
def packed(tmp_path: Path) -> PackedSequence:
    splits = ("train", "train", "test")
    music = [(f"{n:016x}", split, chords(4 + n, n), Labels(f"piece {n}")) for n, split in enumerate(splits)]
    return record(tmp_path / "waveform", [*music, ("f" * 16, "train", np.zeros(10), Labels())], RATE)


def test_features_are_read_as_they_were_written(packed: PackedSequence, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        write_features(packed, folder)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert first == second and sorted(first) == ["index.parquet", "pitches.npy", "words.npy"]
    features = open_features(folders[0])
    assert features.seconds("train") == pytest.approx(9, abs=0.01)
    train = list(features.tracks("train"))
    assert [track.name for track in train] == ["piece 0", "piece 1", ""]
    expected = track_of(read_recording(packed, packed.tracks("train")[1]))
    np.testing.assert_array_equal(train[1].words, expected.words)
    np.testing.assert_array_equal(train[1].pitches, expected.pitches)
    assert len(train[2].words) == len(train[2].pitches) == 0


@pytest.mark.parametrize("name", ["words.npy", "pitches.npy", "index.parquet"])
def test_features_that_are_not_what_was_written_are_refused(packed: PackedSequence, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    write_features(packed, folder)
    path = folder / name
    whole = path.read_bytes()

    def refuses() -> None:
        with pytest.raises(ResultError, match="cannot be read") as shown:
            open_features(folder)
        assert "run snakemake again" in shown.value.cure

    for part in range(16):
        path.write_bytes(whole[: len(whole) * part // 16])
        refuses()
    for foreign in (np.zeros(1000), np.zeros((2, 2), np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.float16)):
        with path.open("wb") as file:
            np.save(file, foreign)
        refuses()
