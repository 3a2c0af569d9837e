"""Excerpts measured: never a NaN, equal bytes, undefined where it must be, and conditions that are comparable."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_sounds import RATE, clicks, noise, tones
from waveforms import record, render

from descant.audio import mulaw
from descant.config.structure import Structure
from descant.errors import SamplingError
from descant.evaluation.material import Excerpt
from descant.evaluation.structure.conditions import drawn_conditions, open_material, spread_excerpts
from descant.evaluation.structure.files import write_csv
from descant.evaluation.structure.measure import Gathered, measure_excerpt
from descant.evaluation.structure.measures import LEVEL, MEASURES, STRUCTURE, of_kind
from descant.sequences import Labels, PackedSequence


def measured(audio: np.ndarray) -> dict[str, float | None]:
    return measure_excerpt(Excerpt("a", 0.0, audio.astype(np.float32)), RATE).values


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.one_of(st.integers(1, 400), st.integers(1, 3 * RATE)),
    kind=st.sampled_from(["noise", "silence", "dc", "impulse", "full scale"]),
)
def test_a_figure_is_finite_or_none(seed: int, samples: int, kind: str) -> None:
    audio = np.zeros(samples)
    if kind == "noise":
        audio = np.random.default_rng(seed).uniform(-1, 1, samples)
    elif kind == "dc":
        audio += 0.7
    elif kind == "impulse":
        audio[seed % samples] = 1
    elif kind == "full scale":
        audio = np.sign(np.random.default_rng(seed).standard_normal(samples))
    values = measured(audio)
    assert list(values) == [measure.name for measure in of_kind(STRUCTURE, LEVEL)]
    assert all(value is None or math.isfinite(value) for value in values.values())


def test_silence_is_undefined_and_not_perfect() -> None:
    values = measured(mulaw.decode(np.full(6 * RATE, 128, np.uint8)))
    assert {name for name, value in values.items() if value is not None} == {"silent_share", "clipped_share", "dc"}


def test_what_is_too_short_abstains() -> None:
    values = measured(noise(1, 1.0))
    assert all(values[measure.name] is None for measure in of_kind(STRUCTURE))
    assert values["loudness_drift_db"] is not None


def test_repeated_music_repeats_and_noise_does_not() -> None:
    music, hiss = measured(np.tile(tones([60, 64, 67, 71, 62, 65, 69, 61], 2.0), 4)), measured(noise(3, 8.0))
    for name in ("chroma_repetition", "pulse_clarity"):
        assert music[name] is not None and hiss[name] is not None and music[name] > hiss[name] + 0.2
    assert measured(clicks(120, 8.0))["tempo_bpm"] == pytest.approx(120, rel=0.01)
    assert hiss["tempo_bpm"] is None and hiss["pulse_share"] == 0


def a_sequence(folder: Path, seconds: dict[str, float]) -> PackedSequence:
    tracks = [(track, "test", noise(n, length), Labels()) for n, (track, length) in enumerate(seconds.items())]
    return record(folder, tracks, RATE)


def test_excerpts_are_spread_over_the_tracks(tmp_path: Path) -> None:
    sequence = a_sequence(tmp_path, {"a": 3.2, "b": 0.4, "c": 1.0, "d": 2.5})
    places = [(excerpt.group, excerpt.start) for excerpt in spread_excerpts(sequence, "test", 0.5, 6)]
    assert places == [("a", 0.0), ("a", 1.5), ("c", 0.0), ("c", 0.5), ("d", 0.0), ("d", 1.0)]
    assert [e.group for e in spread_excerpts(sequence, "test", 0.5, 2)] == ["a", "c"]
    assert not list(spread_excerpts(sequence, "test", 9.0, 6))
    assert not list(spread_excerpts(sequence, "train", 0.5, 6))


def test_every_real_excerpt_comes_with_its_shuffled_self_and_noise(tmp_path: Path) -> None:
    a_sequence(tmp_path, {"a": 1.0, "b": 1.0})
    material = open_material(tmp_path, None, 1.0, Structure(block_seconds=0.1), 7)
    found = list(material.excerpts)
    assert material.sample_rate == RATE
    assert [condition for condition, _ in found] == ["real", "shuffled", "noise"] * 2
    real, mixed, hiss = (excerpt.audio for _, excerpt in found[:3])
    assert np.array_equal(np.sort(real), np.sort(mixed)) and not np.array_equal(real, mixed)
    assert np.std(hiss) == pytest.approx(np.std(real), rel=0.05)


def test_drawn_audio_is_read_and_what_is_too_short_is_refused(tmp_path: Path) -> None:
    rendered = render(tmp_path / "drawn", np.stack([noise(1, 1.0), noise(2, 1.0), noise(3, 1.0)]), RATE)
    found = list(drawn_conditions(rendered, 0.25, Structure(excerpts=6)))
    assert [(excerpt.group, excerpt.start) for _, excerpt in found] == [(g, s) for g in "012" for s in (0.0, 0.5)]
    assert [excerpt.group for _, excerpt in drawn_conditions(rendered, 0.5, Structure(excerpts=2))] == ["0", "1"]
    with pytest.raises(SamplingError, match="5 s are asked for"):
        list(drawn_conditions(rendered, 5.0, Structure()))
    with pytest.raises(SamplingError, match=r"samples\.csv"):
        open_material(None, tmp_path, 0.5, Structure(), 1)
    with pytest.raises(SamplingError, match="not one thing"):
        open_material(None, None, 1.0, Structure(), 1)


def test_gathered_figures_are_those_of_the_excerpts(tmp_path: Path) -> None:
    gathered = Gathered()
    excerpts = [Excerpt("a", 0.0, noise(1, 2.0)), Excerpt("a", 2.0, noise(2, 2.0)), Excerpt("b", 0.0, noise(3, 2.0))]
    single = [measure_excerpt(excerpt, RATE) for excerpt in excerpts]
    for excerpt, one in zip(excerpts, single, strict=True):
        gathered.add("drawn", excerpt, one)
    rows, curves = gathered.rows(), gathered.curves()
    assert rows["pulse_clarity"].tolist() == [one.values["pulse_clarity"] for one in single]
    first = curves[(curves["group"] == "a") & (curves["feature"] == "chroma")].set_index("lag_seconds")
    expected = [np.nanmean(np.diagonal(one.similarity[0], 1)) for one in single[:2]]
    assert first.loc[0.25, "similarity"] == pytest.approx(np.mean(expected)) and first.loc[0.25, "excerpts"] == 2
    assert np.array_equal(gathered.similarity(), single[0].similarity.astype(np.float32), equal_nan=True)
    gathered.write(tmp_path)
    read = pd.read_csv(tmp_path / "measures.csv")
    assert read["tempo_bpm"].isna().all() and list(read["group"]) == ["a", "a", "b"]


def test_nothing_measured_is_written_too(tmp_path: Path) -> None:
    Gathered().write(tmp_path)
    assert pd.read_csv(tmp_path / "measures.csv").empty and pd.read_csv(tmp_path / "curves.csv").empty
    assert np.load(tmp_path / "similarity.npy", allow_pickle=False).shape == (2, 0, 0)


def test_csv_leaves_undefined_cells_empty(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"a": [1 / 3, None], "b": ["x", "y"]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "a,b\n0.333333333,x\n,y\n"


def test_names_of_measures_are_unique() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
