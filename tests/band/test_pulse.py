"""The tempo stays where it is set, or follows a person: as far as it should, and no further."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_band import Recorded, SimulatedClock, Worker, random_music

from descant.band.loop import Band, Key, perform
from descant.band.pulse import FURTHEST, STEADY, Pulse
from descant.band.quantise import step_seconds
from descant.band.session import BEATS, Click, Session
from descant.scores.parts import MEASURE, STEPS_A_QUARTER, decode

TEMPO, MINUTE, START = 90, 60.0, 1.0
ORIGIN = START + MEASURE * step_seconds(TEMPO)
MUSIC = random_music(40, 8)


def tempo_at(seconds: float, change: float) -> float:
    """Quarters a minute of a person who speeds up over a minute, steadily, and then goes on."""
    return TEMPO * (1 + change * min(1, max(0, seconds) / MINUTE))


def recorded(change: float) -> list[tuple[float, Key]]:
    """The keys of that person, who plays the first voice with hands that are 10 ms off."""
    steps = np.arange(len(MUSIC) + 1)
    times = np.zeros(len(steps))
    for step in steps[1:]:
        times[step] = times[step - 1] + step_seconds(tempo_at(times[step - 1], change))
    off = np.random.default_rng(4).normal(0, 0.01, (2, len(steps))).clip(-0.03, 0.03)
    (notes,) = decode(MUSIC[:, :1])
    keys = [
        (ORIGIN + times[step] + off[kind, step], Key(note.pitch, kind == 0))
        for note in notes
        for kind, step in enumerate((note.onset, note.end))
    ]
    return sorted(keys, key=lambda event: event[0])


@pytest.mark.parametrize("change", [0.1, -0.1, 0.0])
def test_the_band_follows_a_person_who_speeds_up_or_slows_down(change: float) -> None:
    clock, session = SimulatedClock(), Session(TEMPO, 0, START, metronome=True, follow=True)
    ports = Recorded(clock, recorded(change))
    band = Band(
        lambda heard, measure: MUSIC[measure * MEASURE :][:MEASURE], Worker(clock, 0.2), lambda measure, plan: None
    )
    perform(session, band, clock, ports, ORIGIN + MINUTE + 10)
    # no event is late
    assert all(abs(sent - event.time) < 1e-9 for sent, event in ports.sent) and session.missed == 0
    clicks = [event.time for _, event in ports.sent if isinstance(event, Click)]
    measures = list(pairwise(clicks[BEATS::BEATS]))
    found = [60 * BEATS / (after - before) for before, after in measures]
    expected = [tempo_at((before + after) / 2 - ORIGIN, change) for before, after in measures]
    assert len(found) > 22 and found == pytest.approx(expected, rel=0.03)
    # and what was played is heard as it is written
    assert decode(session.heard[:, None]) == decode(MUSIC[: len(session.heard), :1])


@given(st.lists(st.floats(0.01, 2), min_size=1, max_size=60), st.floats(20, 300))
def test_whatever_is_played_moves_it_no_further_than_it_may(gaps: list[float], tempo: float) -> None:
    pulse = Pulse(tempo, 0.0)
    for time in MEASURE * pulse.length + np.cumsum(gaps):
        step, length = pulse.step(time), pulse.length
        ahead = pulse.time(step + STEPS_A_QUARTER)
        pulse.follow(time)
        assert abs(pulse.time(step + STEPS_A_QUARTER) - ahead) < 0.21 * length
        assert abs(pulse.length / length - 1) < 1 / 79
        assert step_seconds(tempo) / FURTHEST <= pulse.length <= step_seconds(tempo) * FURTHEST
        assert pulse.step(pulse.time(step)) == pytest.approx(step)


@given(st.floats(60, 180), st.lists(st.floats(-0.99 * STEADY, 0.99 * STEADY), min_size=1, max_size=40))
def test_hands_that_are_hardly_off_the_count_in_and_chords_change_nothing(tempo: float, off: list[float]) -> None:
    pulse, other = Pulse(tempo, 0.0), Pulse(tempo, 0.0)
    pulse.follow(0.4 * pulse.length)
    for number, late in enumerate(off):
        pulse.follow(other.time(STEPS_A_QUARTER * number) + late)
    assert pulse.time(1000) == pytest.approx(other.time(1000)) and pulse.length == pytest.approx(other.length)
    # of a chord the first note counts
    pulse.follow(other.time(400) + 0.4 * other.length)
    once = pulse.time(1000)
    pulse.follow(other.time(400) + 0.41 * other.length)
    assert pulse.time(1000) == once
