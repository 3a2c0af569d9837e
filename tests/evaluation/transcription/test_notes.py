"""Measures of notes: muspy's own figures, but for what it counts one too many of."""

import math

import muspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.transcription.notes import (
    Note,
    empty_rate,
    groove_consistency,
    measure_notes,
    piano_roll,
    pitch_classes,
    pitch_measures,
    polyphony,
    random_baseline,
)

RESOLUTION = 24
BAR = 4 * RESOLUTION
# of an integer grid: no note ends on a beat's line, where muspy counts a beat that is not there
STEPS = st.tuples(st.integers(0, 300), st.integers(1, 100), st.integers(0, 127)).filter(
    lambda note: (note[0] + note[1]) % RESOLUTION
)
NOTE_SETS = st.lists(STEPS, min_size=1, max_size=40)


def as_music(notes: list[tuple[int, int, int]]) -> muspy.Music:
    track = muspy.Track(notes=[muspy.Note(start, pitch, length) for start, length, pitch in notes])
    return muspy.Music(resolution=RESOLUTION, tracks=[track])


def as_notes(notes: list[tuple[int, int, int]]) -> list[Note]:
    return [Note(float(start), float(start + length), pitch, 0.5) for start, length, pitch in notes]


@given(NOTE_SETS)
def test_measures_are_muspys(steps: list[tuple[int, int, int]]) -> None:
    music, notes = as_music(steps), as_notes(steps)
    end = max(start + length for start, length, _ in steps)
    roll = piano_roll(notes, end, 1.0)
    pitches = pitch_measures(pitch_classes(notes))
    assert pitches is not None
    assert pitches.entropy == pytest.approx(muspy.pitch_class_entropy(music), abs=1e-12)
    assert pitches.scale_consistency == pytest.approx(muspy.scale_consistency(music))
    assert polyphony(roll) == pytest.approx(muspy.polyphony(music))
    assert empty_rate(roll, RESOLUTION) == pytest.approx(muspy.empty_beat_rate(music))
    measured = measure_notes(notes, float(end), 60.0, 1)
    assert measured["pitch_range"] == muspy.pitch_range(music)


@pytest.mark.parametrize("bars", [2, 4, 32])
def test_identical_bars_groove_perfectly_where_muspys_do_not(bars: int) -> None:
    steps = [(BAR * bar + RESOLUTION * beat, RESOLUTION, 60) for bar in range(bars) for beat in range(4)]
    assert groove_consistency(np.array([start for start, _, _ in steps]), BAR, BAR * bars) == 1.0
    # the last note ends on the line, and muspy compares the last bar with an empty one after it
    assert muspy.groove_consistency(as_music(steps), BAR) == pytest.approx(1 - 4 / (BAR * bars))


@given(NOTE_SETS)
def test_groove_is_muspys_where_it_counts_right(steps: list[tuple[int, int, int]]) -> None:
    end = max(start + length for start, length, _ in steps)
    found = groove_consistency(np.array([start for start, _, _ in steps]), BAR, end)
    expected = muspy.groove_consistency(as_music(steps), BAR)
    if end % BAR:
        assert found == pytest.approx(expected, nan_ok=True) if found is not None else math.isnan(expected)


def test_no_notes_are_undefined_and_never_nan() -> None:
    measured = measure_notes([], 4.0, 120.0, 1)
    assert measured["notes_per_second"] == 0 and measured["empty_time_rate"] == 1 == measured["empty_beat_rate"]
    for name in ("pitch_range", "pitch_class_entropy", "scale_consistency", "polyphony", "groove_consistency"):
        assert measured[name] is None
    assert measure_notes([Note(0, 1, 60, 1.0)], 4.0, None, 1)["groove_consistency"] is None


@given(
    st.lists(st.tuples(st.floats(0, 3.9), st.floats(0.001, 4), st.integers(0, 127), st.floats(0, 1)), max_size=30),
    st.one_of(st.none(), st.floats(70, 140)),
)
def test_a_figure_is_finite_or_none(given_notes: list[tuple[float, float, int, float]], bpm: float | None) -> None:
    notes = [Note(start, min(4.0, start + length), pitch, strength) for start, length, pitch, strength in given_notes]
    for value in measure_notes(notes, 4.0, bpm, 1).values():
        assert value is None or math.isfinite(value)


def test_few_random_notes_are_in_a_scale_and_many_are_not() -> None:
    one, few, many = (random_baseline(count, 1) for count in (1, 16, 200))
    assert one is not None and few is not None and many is not None
    assert one.scale_consistency == 1 and one.entropy == 0
    assert few.scale_consistency > 0.7 > many.scale_consistency > 7 / 12
    # 200 uniform pitches, measured with muspy: 0.605 and 3.575 bits
    assert many.scale_consistency == pytest.approx(0.63, abs=0.03)
    assert many.entropy == pytest.approx(3.55, abs=0.03) and many.entropy < math.log2(12)
    assert random_baseline(16, 1) == few and random_baseline(16, 2) != few
    assert random_baseline(0, 1) is None


def test_groove_of_bars_by_tempo() -> None:
    bar = [0.0, 0.5, 1.0, 1.25]
    notes = [Note(2 * number + at, 2 * number + at + 0.1, 60, 1.0) for number in range(3) for at in bar]
    assert measure_notes(notes, 6.5, 120.0, 1)["groove_consistency"] == 1.0
    moved = [*notes[:-1], Note(5.5, 5.6, 60, 1.0)]
    assert measure_notes(moved, 6.5, 120.0, 1)["groove_consistency"] == pytest.approx(1 - 2 / 32)
