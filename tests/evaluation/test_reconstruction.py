"""Excerpts, their codes and originals are the right stretch of the right track; figures are what they are made of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waveforms import record

from descant.audio import mulaw
from descant.audio.clips import to_16_bit
from descant.config.evaluation import Reconstruction
from descant.errors import SamplingError, SequenceError
from descant.evaluation.distortion import log_spectral_distance, snr_db, spectral_convergence_db
from descant.evaluation.reconstruction import (
    DRAWS,
    MULAW,
    NOISE,
    OTHER,
    Stretch,
    choose_stretches,
    codes_of,
    cut_draws,
    measure_renderings,
    read_draws,
    read_originals,
)
from descant.sequences import Labels, PackedSequence, SequenceWriter, Track, open_sequence
from descant.statistics import Bootstrap, mean_interval

RATE = 8000


def pack(folder: Path, lengths: list[int], hop: int = 1, classes: int = 256, split: str = "test") -> PackedSequence:
    """Tracks whose steps count from 0 on, so that a step gives its place."""
    with SequenceWriter(folder, classes, hop, RATE) as writer:
        for number, length in enumerate(lengths):
            writer.add(f"{number:016x}", split, Labels(), iter([np.arange(-(-length // hop)) % classes]))
    return open_sequence(folder)


@given(
    lengths=st.lists(st.integers(1, 1000), max_size=8),
    seconds=st.floats(0.001, 0.1),
    excerpts=st.integers(1, 10),
)
def test_stretches_lie_in_the_middle_of_long_enough_tracks(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], seconds: float, excerpts: int
) -> None:
    audio = pack(tmp_path_factory.mktemp("audio"), lengths)
    stretches = choose_stretches(audio, Reconstruction(seconds=seconds, excerpts=excerpts))
    length = max(1, round(seconds * RATE))
    enough = [track for track in audio.tracks("test") if track.length >= length]
    assert len(stretches) == min(excerpts, len(enough))
    assert len({stretch.track.track for stretch in stretches}) == len(stretches)
    for stretch in stretches:
        assert stretch.length == length
        before, after = stretch.start, stretch.track.length - stretch.start - length
        assert 0 <= before <= after <= before + 1


def test_codes_are_those_of_the_stretch_as_often_as_they_are_drawn(tmp_path: Path) -> None:
    lengths = [800, 1603, 320]
    audio, codes = pack(tmp_path / "audio", lengths), pack(tmp_path / "codes", lengths, hop=8)
    stretches = choose_stretches(audio, Reconstruction(seconds=0.04))
    given_codes = codes_of(stretches, codes)
    first = [np.arange(stretch.start // 8, stretch.start // 8 + 41) for stretch in stretches[:2]]
    # the last track is the stretch, so that its last code stands twice
    expected = [*first, np.minimum(np.arange(41), 39)]
    np.testing.assert_array_equal(given_codes, np.stack(expected * DRAWS) % 256)
    with pytest.raises(SequenceError, match="not of the audio's test tracks"):
        codes_of(stretches, pack(tmp_path / "other", [800], hop=8))


@given(lengths=st.lists(st.integers(400, 900), min_size=1, max_size=4), hop=st.sampled_from([1, 2, 8, 64, 512]))
def test_what_is_drawn_of_the_codes_of_a_stretch_is_cut_to_it(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], hop: int
) -> None:
    """A decoder that draws each sample's own place gives the stretch back, wherever a hop begins."""
    folder = tmp_path_factory.mktemp("cut")
    audio, codes = pack(folder / "audio", lengths), pack(folder / "codes", lengths, hop, classes=1024)
    stretches = choose_stretches(audio, Reconstruction(seconds=400 / RATE))
    drawn = (codes_of(stretches, codes)[:, :, None] * hop + np.arange(hop)).reshape(DRAWS * len(stretches), -1)
    kept = cut_draws(drawn, stretches, hop)
    np.testing.assert_array_equal(kept, [stretch.start + np.arange(400) for stretch in stretches] * DRAWS)
    with pytest.raises(SequenceError, match="every ADA"):
        cut_draws(drawn, stretches, 2 * hop)


def test_the_originals_are_the_recordings(tmp_path: Path) -> None:
    audio = pack(tmp_path / "audio", [800, 1600])
    stretches = choose_stretches(audio, Reconstruction(seconds=0.04))
    # in another order
    recorded = [np.random.default_rng(n).uniform(-1, 1, track.length) for n, track in enumerate(audio.tracks())]
    music = [(track.track, "test", one, Labels()) for track, one in zip(audio.tracks(), recorded, strict=True)]
    recordings = record(tmp_path / "waveform", music[::-1], RATE)
    for stretch, original in zip(stretches, read_originals(stretches, recordings), strict=True):
        number = [track.track for track in audio.tracks()].index(stretch.track.track)
        expected = recorded[number][stretch.start : stretch.start + stretch.length]
        np.testing.assert_array_equal(to_16_bit(original), to_16_bit(expected))
    with pytest.raises(SequenceError, match="not of the audio's test tracks"):
        read_originals(stretches, record(tmp_path / "other", music[:1], RATE))


def test_codes_are_no_audio_and_torn_draws_are_reported(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="no audio"):
        choose_stretches(pack(tmp_path / "codes", [800], hop=8), Reconstruction())
    stretches = choose_stretches(pack(tmp_path / "audio", [800]), Reconstruction(seconds=0.01))
    (tmp_path / "drawn.npy").write_bytes(b"torn")
    with pytest.raises(SamplingError, match="cannot be read"):
        read_draws(tmp_path / "drawn.npy", stretches)
    np.save(tmp_path / "drawn.npy", np.zeros((1, 80), np.uint8))
    with pytest.raises(SamplingError, match="2 draws"):
        read_draws(tmp_path / "drawn.npy", stretches)
    np.save(tmp_path / "drawn.npy", np.zeros((0, 0), np.uint8))
    assert read_draws(tmp_path / "drawn.npy", []).shape == (DRAWS, 0, 0)


def test_every_figure_is_of_the_audio_it_names() -> None:
    random = np.random.default_rng(4)
    stretches = [Stretch(Track(f"{n:016x}", 0, 4000, "test", Labels()), 16 * n, 2000) for n in range(2)]
    originals = [np.clip(0.2 * random.standard_normal(2000), -1, 1).astype(np.float32) for _ in stretches]
    companded = [mulaw.encode(original) for original in originals]
    drawn = {name: random.integers(0, 256, (2, 2, 2000)).astype(np.uint8) for name in ("low", "other", "low.high")}
    below = {"low": None, "other": None, "low.high": "low"}
    made = {"level": [0.1 * random.standard_normal(2000).astype(np.float32) for _ in stretches]}
    rows = measure_renderings(stretches, originals, companded, drawn, below, made, RATE, seed=1).set_index(
        ["rendering", "track"]
    )
    assert list(dict.fromkeys(rows.index.get_level_values(0))) == [
        MULAW,
        "low",
        "other",
        "low.high",
        "level",
        OTHER,
        NOISE,
    ]
    for number, stretch in enumerate(stretches):
        name = stretch.track.track
        decoded = {stack: mulaw.decode(draws[:, number]) for stack, draws in drawn.items()}
        for stack, below in (("low", MULAW), ("other", MULAW), ("low.high", "low")):
            row = rows.loc[(stack, name)]
            assert row["snr_db"] == snr_db(originals[number], decoded[stack][0])
            assert row["lsd_db"] == log_spectral_distance(originals[number], decoded[stack][0])
            assert row["draws_snr_db"] == snr_db(*decoded[stack])
            assert row["draws_lsd_db"] == log_spectral_distance(*decoded[stack])
            assert row["added_lsd_db"] == pytest.approx(row["lsd_db"] - rows.loc[(below, name)]["lsd_db"])
            assert (row["start"], row["samples"]) == (16 * number, 2000)
        row = rows.loc[("level", name)]
        assert row["snr_db"] == snr_db(originals[number], made["level"][number])
        assert row["convergence_db"] == spectral_convergence_db(originals[number], made["level"][number], RATE)
        assert np.isnan(row["draws_snr_db"]) and np.isnan(row["added_lsd_db"])
        quantised = mulaw.decode(mulaw.encode(originals[number]))
        assert rows.loc[(MULAW, name)]["snr_db"] == snr_db(originals[number], quantised)
        assert rows.loc[(OTHER, name)]["lsd_db"] == log_spectral_distance(*originals)
        assert rows.loc[(NOISE, name)]["snr_db"] == pytest.approx(-3.01, abs=0.5)
    assert rows.loc[MULAW]["added_lsd_db"].isna().all()


def test_no_excerpt_is_an_empty_table_of_the_same_columns_and_silence_has_no_ratio() -> None:
    empty = measure_renderings([], [], [], {"low": np.zeros((2, 0, 0), np.uint8)}, {"low": None}, {}, RATE, seed=1)
    silence = np.zeros(2000, np.float32)
    stretch = Stretch(Track("0" * 16, 0, 4000, "test", Labels()), 0, 2000)
    rows = measure_renderings([stretch], [silence], [mulaw.encode(silence)], {}, {}, {}, RATE, seed=1)
    assert list(rows.columns) == list(empty.columns) and empty.empty
    assert rows["snr_db"].isna().all()
    assert mean_interval(rows["snr_db"], Bootstrap(1000, 0.95, 1)) is None


def test_a_mean_has_an_interval_from_five_tracks_on() -> None:
    values = pd.Series([1.0, 2.0, np.nan, 3.0, 4.0, 5.0])
    mean = mean_interval(values, Bootstrap(1000, 0.95, 1))
    assert mean is not None and mean.value == pytest.approx(3.0)
    assert mean.low is not None and mean.high is not None and 1 < mean.low < 3 < mean.high < 5
    few = mean_interval(values[:4], Bootstrap(1000, 0.95, 1))
    assert few is not None and few.value == pytest.approx(2.0) and few.low is None
