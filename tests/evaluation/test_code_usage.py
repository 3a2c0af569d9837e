"""How codes are used, against numpy and scipy; what they are worth, against what was put in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ModelFileError
from descant.evaluation.code_usage import Usage, count_codes, entropy, measure_worth, shuffled_codes
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence
from descant.statistics import Bootstrap

CLASSES = 40


def packed(folder: Path, tracks: list[np.ndarray]) -> PackedSequence:
    with SequenceWriter(folder, CLASSES, 8, 16000) as writer:
        writer.add("f" * 16, "train", Labels("train"), iter([np.full(50, CLASSES - 1)]))
        for number, codes in enumerate(tracks):
            writer.add(f"{number:016x}", "test", Labels(str(number)), iter([codes]))
    return open_sequence(folder)


def test_usage_is_numpy_s_and_scipy_s(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    tracks = [random.geometric(0.2, 300 + number).clip(1, 30) - 1 for number in range(3)]
    usage = count_codes(packed(tmp_path, tracks), 0.95)
    codes = np.concatenate(tracks)
    values, counts = np.unique(codes, return_counts=True)
    assert usage.total == len(codes) and usage.used_share == len(values) / CLASSES
    assert usage.perplexity == pytest.approx(2 ** scipy.stats.entropy(counts, base=2))
    np.testing.assert_allclose(usage.sorted_shares, np.sort(counts)[::-1] / len(codes))
    # three tracks are too few for an interval
    assert usage.low is None and usage.high is None


def test_codes_of_residual_quantisers_are_counted_apart(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 7, (300, 3))
    with SequenceWriter(tmp_path, 8, 8, 16000, channels=3) as writer:
        writer.add("0" * 16, "test", Labels(), iter([codes]))
    usage = count_codes(open_sequence(tmp_path), 0.95)
    apart = [np.bincount(column, minlength=8).tolist() for column in codes.T]
    assert usage.counts == [number for one in apart for number in one]
    assert usage.total == 900 and usage.used_share == 7 / 8
    # as many again for each quantiser, where all are used alike
    assert usage.perplexity == pytest.approx(3 * 7, rel=0.05)


@given(st.integers(1, 500))
def test_uniform_use_has_all_of_them_and_one_code_has_one(times: int) -> None:
    assert Usage(np.full(64, times)).perplexity == pytest.approx(64)
    alone = Usage(np.eye(64, dtype=np.int64)[5] * times)
    assert alone.perplexity == 1 and alone.used_share == 1 / 64 and alone.sorted_shares.tolist() == [1.0]


def test_no_codes_are_no_figure(tmp_path: Path) -> None:
    usage = count_codes(packed(tmp_path, []), 0.95)
    assert (usage.total, usage.used_share, usage.perplexity, usage.low) == (0, None, None, None)
    assert entropy(usage.counts) == 0


def test_the_interval_covers_as_often_as_it_says(tmp_path: Path) -> None:
    # tracks of a mixture: each draws from half of the codes, with a bias of its own
    random = np.random.default_rng(2)

    def tracks(count: int) -> list[np.ndarray]:
        biases = random.random(count)
        return [random.integers(0, 20, 400) + 20 * (random.random(400) < bias) for bias in biases]

    truth = 2 ** entropy(np.bincount(np.concatenate(tracks(4000)), minlength=CLASSES))
    held = 0
    for number in range(60):
        usage = count_codes(packed(tmp_path / str(number), tracks(12)), 0.9)
        assert usage.low is not None and usage.high is not None and usage.perplexity is not None
        assert 1 <= usage.low <= usage.perplexity <= usage.high <= CLASSES
        held += usage.low <= truth <= usage.high
    assert held >= 45


def test_shuffling_keeps_the_codes_and_depends_on_track_and_seed() -> None:
    codes = np.arange(200, dtype=np.uint8)
    shuffled = shuffled_codes(codes, "a", 1)
    assert np.array_equal(np.sort(shuffled), codes) and not np.array_equal(shuffled, codes)
    assert np.array_equal(shuffled, shuffled_codes(codes, "a", 1))
    assert not np.array_equal(shuffled, shuffled_codes(codes, "b", 1))
    assert not np.array_equal(shuffled, shuffled_codes(codes, "a", 2))


def bits(per_step: list[float], steps: int = 100) -> pd.DataFrame:
    tracks = [f"{number:016x}" for number in range(len(per_step))]
    return pd.DataFrame({"track": tracks, "steps": steps, "samples": steps * 8, "bits": np.array(per_step) * steps})


def test_worth_is_the_difference_by_track() -> None:
    true, gaps = [3.0, 4.0, 5.0, 3.5, 4.5], [0.5, 0.6, 0.4, 0.5, 0.5]
    shuffled = bits([value + gap for value, gap in zip(true, gaps, strict=True)])
    worth = measure_worth(bits(true), shuffled.iloc[::-1], Bootstrap(1000, 0.95, 1))
    assert worth is not None and (worth.true, worth.shuffled) == (pytest.approx(4.0), pytest.approx(4.5))
    assert worth.gap.value == pytest.approx(0.5)
    # paired: far narrower than the spread of the tracks
    assert worth.gap.low is not None and worth.gap.high is not None
    assert 0.4 <= worth.gap.low < 0.5 < worth.gap.high <= 0.6


def test_a_gap_of_few_tracks_has_no_interval_and_of_none_no_figure() -> None:
    worth = measure_worth(bits([3.0]), bits([3.5]), Bootstrap(1000, 0.95, 1))
    assert worth is not None and worth.gap.value == pytest.approx(0.5) and worth.gap.low is None
    assert measure_worth(bits([]), bits([]), Bootstrap(1000, 0.95, 1)) is None


def test_other_tracks_are_refused() -> None:
    with pytest.raises(ModelFileError, match="different tracks"):
        measure_worth(bits([1.0, 2.0]), bits([1.0]), Bootstrap(1000, 0.95, 1))
    with pytest.raises(ModelFileError, match="different tracks"):
        measure_worth(bits([1.0], steps=100), bits([1.0], steps=99), Bootstrap(1000, 0.95, 1))
