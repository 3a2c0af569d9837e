"""Runs of shared codes are found, exactly where they are, and what does not count does not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descant.commands.novelty_codes import novelty_codes
from descant.config.novelty import Novelty
from descant.evaluation.novelty import codes as module
from descant.evaluation.novelty.codes import Run, shared_runs
from descant.evaluation.novelty.drawn_codes import search_codes
from descant.evaluation.novelty.results import CodesSearch
from descant.results import read_json
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.steps import write_steps

CLASSES, HOP, RATE = 64, 64, 16000
SECOND = RATE // HOP


def random_codes(length: int, seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, CLASSES, length).astype(np.uint8)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> PackedSequence:
    """Six tracks to learn from and four held out, 30 s of random codes each."""
    folder: Path = tmp_path_factory.mktemp("codes")
    with SequenceWriter(folder, CLASSES, HOP, RATE) as writer:
        for number in range(10):
            split = "train" if number < 6 else "test"
            writer.add(f"{number:016x}", split, Labels(f"piece {number}"), iter([random_codes(30 * SECOND, number)]))
    return open_sequence(folder)


def drawn(count: int = 3, seconds: float = 4) -> npt.NDArray[np.uint8]:
    return np.stack([random_codes(round(seconds * SECOND), 100 + number) for number in range(count)])


def test_a_copied_run_is_found_where_it_is(training: PackedSequence) -> None:
    sequences, track = drawn(), training.tracks("train")[4]
    sequences[1, 300:360] = training.steps(track)[1000:1060]
    before, runs, after = shared_runs(sequences, training)
    assert runs.exact == Run(60, 300, track.track, 1000)
    assert runs.tolerant.track == track.track and 60 <= runs.tolerant.length < 70
    assert before.tolerant.length < 20 and after.tolerant.length < 20


@given(st.integers(0, 10**6), st.integers(60, 200))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_with_fifteen_per_cent_substitutions_is_found(training: PackedSequence, seed: int, length: int) -> None:
    random = np.random.default_rng(seed)
    track = training.tracks("train")[int(random.integers(6))]
    start, place = int(random.integers(800 - length)), int(random.integers(5000))
    copy = training.steps(track)[place : place + length].copy()
    changed = random.choice(length, round(0.15 * length), replace=False)
    copy[changed] = (copy[changed] + random.integers(1, CLASSES, len(changed))) % CLASSES
    sequences = drawn(1)
    sequences[0, start : start + length] = copy
    tolerant = shared_runs(sequences, training)[0].tolerant
    assert tolerant.track == track.track and tolerant.track_start - tolerant.start == place - start
    mine = sequences[0, tolerant.start : tolerant.start + tolerant.length]
    theirs = training.steps(track)[tolerant.track_start : tolerant.track_start + tolerant.length]
    assert np.mean(mine != theirs) <= 0.2
    assert tolerant.length >= length / 2


def brute_force(sequence: npt.NDArray[np.uint8], track: npt.NDArray[np.uint8]) -> int:
    longest = 0
    for offset in range(-len(sequence) + 1, len(track)):
        run = 0
        for place in range(max(0, -offset), min(len(sequence), len(track) - offset)):
            run = run + 1 if sequence[place] == track[place + offset] else 0
            longest = max(longest, run)
    return longest


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_the_longest_exact_run_is_that_of_brute_force(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    random = np.random.default_rng(seed)
    known = random.integers(0, 4, 400).astype(np.uint8)
    folder = tmp_path_factory.mktemp("few")
    with SequenceWriter(folder, 4, HOP, RATE) as writer:
        writer.add("a" * 16, "train", Labels(), iter([known]))
    sequence = random.integers(0, 4, 150).astype(np.uint8)
    sequence[20:60] = known[200:240]
    found = shared_runs(sequence[None], open_sequence(folder))[0].exact.length
    assert found == brute_force(sequence, known) >= 40


def test_a_drawn_intro_that_replays_a_training_intro_is_a_match_from_its_first_code(
    training: PackedSequence, tmp_path: Path
) -> None:
    """What happened to those who trained Jukebox's priors on little music: the top level's codes are the gate."""
    sequences, track = drawn(6, seconds=5), training.tracks("train")[3]
    sequences[2, : 2 * SECOND] = training.steps(track)[: 2 * SECOND]
    write_steps(tmp_path / "drawn.npy", sequences)
    folder = Path(str(training.data.filename)).parent  # type: ignore[attr-defined]
    novelty_codes("{}", tmp_path / "drawn.npy", folder, tmp_path / "found.json")
    found = read_json(CodesSearch, tmp_path / "found.json")
    matches = [hit for hit in found.hits if hit.is_match]
    assert {(hit.sequence, hit.start, hit.track, hit.track_start) for hit in matches} == {(2, 0.0, track.track, 0.0)}
    assert [share.matched for share in found.shares] == pytest.approx([0, 0, 2, 0, 0, 0], abs=0.1)


def test_what_a_model_was_primed_with_does_not_count(training: PackedSequence, tmp_path: Path) -> None:
    sequences, track = drawn(6, seconds=5), training.tracks("train")[2]
    sequences[0, :250] = training.steps(track)[500:750]
    write_steps(tmp_path / "drawn.npy", sequences)
    write_steps(tmp_path / "prime.npy", sequences[:, :250])
    folder = Path(str(training.data.filename)).parent  # type: ignore[attr-defined]
    longest, seconds = [], []
    for prime in (None, tmp_path / "prime.npy"):
        novelty_codes("{}", tmp_path / "drawn.npy", folder, tmp_path / "found.json", prime)
        found = read_json(CodesSearch, tmp_path / "found.json")
        longest.append(max((hit.score for hit in found.hits if hit.sequence == 0), default=0))
        seconds.append({share.seconds for share in found.shares})
    assert longest[0] >= 250 > 40 > longest[1] and seconds == [{5}, {4}]


def test_held_codes_and_short_sequences_share_nothing(training: PackedSequence) -> None:
    assert shared_runs(np.zeros((2, 1000), np.uint8), training)[0].exact.length == 0
    assert shared_runs(random_codes(5, 1)[None], training)[0].exact.length == 0
    assert shared_runs(drawn(1)[:, 2000:], training)[0].matched == 0


def test_parts_of_a_long_track_miss_no_run(training: PackedSequence, monkeypatch: pytest.MonkeyPatch) -> None:
    sequences, track = drawn(1), training.tracks("train")[3]
    sequences[0, 100:900] = training.steps(track)[1700:2500]
    whole = shared_runs(sequences, training)
    monkeypatch.setattr(module, "CODES_AT_ONCE", 1500)
    assert shared_runs(sequences, training) == whole and whole[0].exact.length == 800


def test_the_share_of_codes_is_of_runs_beyond_the_threshold(training: PackedSequence) -> None:
    sequences, track = drawn(6), training.tracks("train")[0]
    sequences[2, 250:500] = training.steps(track)[:250]
    found = search_codes(Novelty(), training, sequences)
    assert found.exact.threshold is not None and found.exact.threshold < 50 and found.exact.tracks == 4
    matched = [share.matched for share in found.shares]
    assert matched[2] == pytest.approx(1, abs=0.05) and matched.count(0) == 5
    best = max(found.hits, key=lambda hit: hit.score)
    assert best.is_match and (best.sequence, best.track, best.name) == (2, track.track, "piece 0")
    # 28 windows of 2 s a track, each half over the next
    assert sum(share.seconds for share in found.floor) == 4 * 28 * 2


def test_held_out_codes_that_share_nothing_leave_a_threshold_of_two_seeds(training: PackedSequence) -> None:
    found = search_codes(Novelty(), training, drawn(6))
    assert found.exact.threshold == found.tolerant.threshold == 16 and found.exact.false_positives == 0


def test_short_codes_are_reported(training: PackedSequence) -> None:
    found = search_codes(Novelty(), training, drawn(2, seconds=1))
    assert not found.shares and "shorter than 3 s: they last 1.0 s" in found.exact.failure
