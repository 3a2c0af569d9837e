"""A session in simulated time: what was planned sounds when it should, and nothing goes on that should end."""

from collections import defaultdict
from concurrent.futures import Executor

import numpy as np
import pytest
from small_band import Recorded, SimulatedClock, Worker, random_music, small_system

from descant.band.loop import POLL, Band, Key, Ports, perform
from descant.band.player import BandPlayer, PlayerSettings
from descant.band.quantise import step_seconds
from descant.band.session import Click, Release, Session, Strike
from descant.scores.parts import HELD, MEASURE, PartNote, decode

MEASURES = 300
STEP = step_seconds(120)
START = 1.0
ORIGIN = START + MEASURE * STEP
MUSIC = random_music(MEASURES + 4, 2)


def keys_of(tokens: np.ndarray, seed: int = 3) -> list[tuple[float, Key]]:
    """A person who plays tokens, each key less than half a sixteenth early or late."""
    off = np.random.default_rng(seed).uniform(-0.45, 0.45, len(tokens) + 1)
    (notes,) = decode(tokens[:, None])
    played = [(step, Key(note.pitch, down)) for note in notes for step, down in ((note.onset, True), (note.end, False))]
    timed = ((ORIGIN + (step + off[step]) * STEP, key) for step, key in played)
    return sorted(timed, key=lambda event: event[0])


def planned(heard: np.ndarray, measure: int) -> np.ndarray:
    return MUSIC[measure * MEASURE : (measure + 1) * MEASURE]


def sounded(ports: Recorded, voice: int) -> list[PartNote]:
    """The notes of a voice, from what was sent."""
    notes, begun = [], {}
    for _, event in ports.sent:
        if isinstance(event, Click) or event.voice != voice:
            continue
        step = round((event.time - ORIGIN) / STEP)
        if isinstance(event, Strike):
            assert not begun, "a voice has two notes"
            begun[event.pitch] = step
        else:
            notes.append(PartNote(begun.pop(event.pitch), step, event.pitch))
    return notes + [PartNote(step, MEASURES * MEASURE, pitch) for pitch, step in begun.items()]


def play(
    worker: Executor, clock: SimulatedClock, ports: Ports, session: Session, muted: frozenset[int] = frozenset()
) -> list[tuple[float, int]]:
    shown: list[tuple[float, int]] = []
    band = Band(planned, worker, lambda measure, plan: shown.append((clock.now(), measure)), muted)
    perform(session, band, clock, ports, ORIGIN + MEASURES * MEASURE * STEP)
    return shown


@pytest.mark.parametrize("lead_in", [1, 2])
def test_ten_minutes_with_no_late_note(lead_in: int) -> None:
    clock = SimulatedClock()
    ports, session = Recorded(clock, keys_of(MUSIC[:, 0])), Session(120, 0, START, lead_in)
    shown = play(Worker(clock, 0.2), clock, ports, session, frozenset({2}))
    assert clock.now() >= ORIGIN + 600 and session.missed == 0 and ports.panics == 1
    assert all(abs(sent - event.time) < 1e-9 for sent, event in ports.sent)
    # every plan but the first of all stands a measure before it sounds
    ahead = {measure: session.bar(measure) - at for at, measure in shown}
    assert list(ahead) == list(range(lead_in, MEASURES + 1))
    assert all(seconds > MEASURE * STEP * 0.85 for measure, seconds in ahead.items() if measure > 1)
    assert ahead.get(1, 1) > 2 * STEP
    for voice in (1, 3):
        rested = np.where(np.arange(MEASURES * MEASURE) < lead_in * MEASURE, HELD, MUSIC[: MEASURES * MEASURE, voice])
        assert [decode(rested[:, None].astype(np.uint8))[0]] == [sounded(ports, voice)]
    assert sounded(ports, 0) == sounded(ports, 2) == []
    clicks = [event for _, event in ports.sent if isinstance(event, Click)]
    assert [click.first for click in clicks] == [True, False, False, False]
    # what was heard is what was played
    assert len(session.heard) >= (MEASURES - 1) * MEASURE
    assert decode(session.heard[:, None]) == decode(MUSIC[: len(session.heard), :1])


def test_a_clock_that_wakes_late_sends_late_by_no_more() -> None:
    clock = SimulatedClock(0.003)
    ports = Recorded(clock)
    play(Worker(clock, 0.2), clock, ports, Session(120, 0, START, metronome=True))
    assert max(sent - event.time for sent, event in ports.sent) <= 0.003 + POLL
    assert sum(isinstance(event, Click) for _, event in ports.sent) >= 4 * MEASURES


def test_a_measure_that_is_planned_too_late_is_left_out() -> None:
    clock = SimulatedClock()
    ports, session = Recorded(clock), Session(120, 0, START)
    shown = play(Worker(clock, MEASURE * STEP + 0.1), clock, ports, session)
    assert session.missed == MEASURES - 1 and len(shown) > MEASURES - 5
    assert all(isinstance(event, Click) for _, event in ports.sent)


def test_an_error_ends_every_note() -> None:
    clock = SimulatedClock()
    ports, session = Recorded(clock), Session(120, 0, START)

    def fails(heard: np.ndarray, measure: int) -> np.ndarray:
        if measure == 5:
            raise RuntimeError("out of memory")
        return planned(heard, measure)

    with pytest.raises(RuntimeError, match="out of memory"):
        perform(session, Band(fails, Worker(clock, 0.2), lambda measure, plan: None), clock, ports)
    assert ports.panics == 1 and ports.sent


def test_a_network_plays_along() -> None:
    clock = SimulatedClock()
    ports, session = Recorded(clock, keys_of(MUSIC[:, 3])), Session(120, 3, START)
    player, plans = BandPlayer(small_system(), PlayerSettings(voice=3)), {}
    band = Band(player.plan, Worker(clock, 0.2), plans.__setitem__)
    perform(session, band, clock, ports, session.bar(12))
    assert sorted(plans) == list(range(2, 13))
    struck: dict[int, list[int]] = defaultdict(list)
    for _, event in ports.sent:
        if isinstance(event, Strike):
            struck[event.voice].append(event.pitch)
    for voice in range(3):
        of_plans = np.concatenate([plans[measure][:, voice] for measure in range(2, 12)])
        assert struck[voice] == of_plans[of_plans < 128].tolist()
    assert struck[3] == [] and any(isinstance(event, Release) for _, event in ports.sent)
