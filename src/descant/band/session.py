"""The time of a session: clicks, when which measure is asked for, and when which note of a plan begins and ends.

It knows no clock, no ports and no network: whoever has them calls :meth:`Session.tick` again and again, does what it
returns, and gives the plans that were asked for. The page's ``session.js`` is the same, line by line.
"""

from dataclasses import dataclass, replace

import numpy as np

from descant.band.quantise import Played, nearest, quantise, step_seconds
from descant.scores.parts import HELD, MEASURE, PITCHES, STEPS_A_QUARTER, VOICES, Grid

# seconds before a bar line at which its measure is given away, and at which it is too late for its plan; ours
AHEAD, TOO_LATE = 0.25, 0.03
# of the measure before, when the band enters after a single one
EARLY = MEASURE - STEPS_A_QUARTER
BEATS = MEASURE // STEPS_A_QUARTER


@dataclass(frozen=True, slots=True)
class Click:
    """A beat that is counted.

    Attributes:
        time: on the session's clock, seconds.
        first: of a measure.
    """

    time: float
    first: bool


@dataclass(frozen=True, slots=True)
class Strike:
    """A note of the band begins."""

    time: float
    voice: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Release:
    """A note of the band ends."""

    time: float
    voice: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A measure is to be planned, from the person's tokens so far, uint8 ``(steps,)``; :meth:`Session.give` it."""

    measure: int
    heard: Grid


Action = Click | Strike | Release | Ask


class Session:
    """What happens when.

    The band enters after ``lead_in`` measures. Each plan is made at a bar line, a measure before it sounds; only where
    it enters after a single measure, its first one is planned a quarter before it sounds, from three quarters.

    Args:
        tempo: quarters a minute.
        voice: the person's.
        start: of the count-in of one measure, seconds on the clock.
        lead_in: measures that the person plays alone, 1 or 2.
        metronome: whether every beat is counted.
    """

    def __init__(self, tempo: float, voice: int, start: float, lead_in: int = 2, metronome: bool = False) -> None:
        self.step, self.voice, self.lead_in, self.metronome = step_seconds(tempo), voice, lead_in, metronome
        self.origin = start + MEASURE * self.step
        self.missed = 0
        self.plans: dict[int, Grid] = {}
        self.heard = np.zeros(0, np.uint8)
        self._notes: list[Played] = []
        self._sounding: list[int | None] = [None] * len(VOICES)
        self._beat, self._measure = -BEATS, lead_in
        self._early = lead_in == 1

    def bar(self, measure: int) -> float:
        """The time of a measure's bar line; the count-in is measure -1."""
        return self.origin + measure * MEASURE * self.step

    def note_on(self, time: float, pitch: int) -> None:
        """The person strikes a key."""
        self._notes.append(Played(pitch, time - self.origin))

    def note_off(self, time: float, pitch: int) -> None:
        """The person lets go of a key."""
        for place in reversed(range(len(self._notes))):
            if self._notes[place].pitch == pitch and self._notes[place].off is None:
                self._notes[place] = replace(self._notes[place], off=time - self.origin)
                return

    def give(self, measure: int, plan: Grid) -> None:
        """Take a plan, uint8 ``(16, voices)``; one that comes too late is never played."""
        if measure >= self._measure:
            self.plans[measure] = plan

    def tick(self, now: float) -> list[Action]:
        """What is to be done, in order; notes and clicks lie up to :data:`AHEAD` in the future."""
        actions: list[Action] = []
        while (time := self.origin + self._beat * STEPS_A_QUARTER * self.step) <= now + AHEAD:
            if self._beat < 0 or self.metronome:
                actions.append(Click(time, self._beat % BEATS == 0))
            self._beat += 1
        if self._early and now >= self.origin + EARLY * self.step:
            self._early = False
            actions.append(Ask(1, quantise(self._notes, self.step, 0, EARLY)))
        while now >= self.bar(done := len(self.heard) // MEASURE + 1):
            self._ended(done - 1)
            # of a clock that stood still, as a page's does in the background, nothing past is planned
            if now < self.bar(done + 1):
                actions.append(Ask(done + 1, self.heard))
        while now + AHEAD >= self.bar(self._measure):
            if self._measure in self.plans:
                actions += self._played(self.plans.pop(self._measure))
            elif now + TOO_LATE >= self.bar(self._measure):
                self.missed += 1
                actions += self._silenced(max(now, self.bar(self._measure)))
            else:
                break
            self._measure += 1
        return actions

    def _ended(self, measure: int) -> None:
        first = measure * MEASURE
        self.heard = np.concatenate([self.heard, quantise(self._notes, self.step, first)])
        # all but the last one that began before the next measure has been cut short
        while len(self._notes) > 1 and nearest(self._notes[1].on, self.step) < first + MEASURE:
            del self._notes[0]

    def _played(self, plan: Grid) -> list[Action]:
        actions: list[Action] = []
        for number, tokens in enumerate(plan.tolist()):
            time = self.bar(self._measure) + number * self.step
            for voice, token in enumerate(tokens):
                if voice == self.voice or token == HELD:
                    continue
                if (before := self._sounding[voice]) is not None:
                    actions.append(Release(time, voice, before))
                self._sounding[voice] = token if token < PITCHES else None
                if token < PITCHES:
                    actions.append(Strike(time, voice, token))
        return actions

    def _silenced(self, time: float) -> list[Action]:
        ended = [Release(time, voice, pitch) for voice, pitch in enumerate(self._sounding) if pitch is not None]
        self._sounding = [None] * len(VOICES)
        return list(ended)
