"""The time of a session: clicks, when which measure is asked for, and when which note of a plan begins and ends.

It knows no clock, no ports and no network: whoever has them calls :meth:`Session.tick` again and again, does what it
returns, and gives the plans that were asked for. The page's ``session.js`` is the same, line by line.
"""

from dataclasses import dataclass, replace

import numpy as np

from descant.band.pulse import Pulse
from descant.band.quantise import Played, nearest, quantise
from descant.scores.parts import HELD, MEASURE, PITCHES, STEPS_A_QUARTER, VOICES, Grid

# seconds before a sixteenth at which it is given away, and before a bar line at which it is too late for its plan; ours
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
        follow: whether the tempo follows the person from the first bar line on.
    """

    def __init__(
        self, tempo: float, voice: int, start: float, lead_in: int = 2, metronome: bool = False, follow: bool = False
    ) -> None:
        self.pulse, self.voice, self.lead_in = Pulse(tempo, start), voice, lead_in
        self.metronome, self.follow = metronome, follow
        self.missed = 0
        self.plans: dict[int, Grid] = {}
        self.heard = np.zeros(0, np.uint8)
        self._notes: list[Played] = []
        self._sounding: list[int | None] = [None] * len(VOICES)
        # the next ones that are given away
        self._beat, self._step = -BEATS, lead_in * MEASURE
        self._plan: Grid | None = None
        self._early = lead_in == 1

    def bar(self, measure: int) -> float:
        """The time of a measure's bar line; the count-in is measure -1."""
        return self.pulse.time(measure * MEASURE)

    def note_on(self, time: float, pitch: int) -> None:
        """The person strikes a key."""
        self._notes.append(Played(pitch, self.pulse.step(time)))
        if self.follow:
            self.pulse.follow(time)

    def note_off(self, time: float, pitch: int) -> None:
        """The person lets go of a key."""
        for place in reversed(range(len(self._notes))):
            if self._notes[place].pitch == pitch and self._notes[place].off is None:
                self._notes[place] = replace(self._notes[place], off=self.pulse.step(time))
                return

    def give(self, measure: int, plan: Grid) -> None:
        """Take a plan, uint8 ``(16, voices)``; one that comes too late is never played."""
        if measure * MEASURE >= self._step:
            self.plans[measure] = plan

    def tick(self, now: float) -> list[Action]:
        """What is to be done, in order; notes and clicks lie up to :data:`AHEAD` in the future."""
        actions: list[Action] = []
        while (time := self.pulse.time(self._beat * STEPS_A_QUARTER)) <= now + AHEAD:
            if self._beat < 0 or self.metronome:
                actions.append(Click(time, self._beat % BEATS == 0))
            self._beat += 1
        if self._early and now >= self.pulse.time(EARLY):
            self._early = False
            actions.append(Ask(1, quantise(self._notes, 0, EARLY)))
        while now >= self.bar(done := len(self.heard) // MEASURE + 1):
            self._ended(done - 1)
            # of a clock that stood still, as a page's does in the background, nothing past is planned
            if now < self.bar(done + 1):
                actions.append(Ask(done + 1, self.heard))
        # of a tempo that stays, a whole measure at once
        while (time := self.pulse.time(self._step)) <= now + AHEAD or (self._step % MEASURE and not self.follow):
            measure, row = divmod(self._step, MEASURE)
            if row == 0:
                if measure not in self.plans and now + TOO_LATE < time:
                    break
                self._plan = self.plans.pop(measure, None)
                if self._plan is None:
                    self.missed += 1
                    actions += self._silenced(max(now, time))
            if self._plan is not None:
                actions += self._played(self._plan[row], time)
            self._step += 1
        return actions

    def _ended(self, measure: int) -> None:
        first = measure * MEASURE
        self.heard = np.concatenate([self.heard, quantise(self._notes, first)])
        # all but the last one that began before the next measure has been cut short
        while len(self._notes) > 1 and nearest(self._notes[1].on) < first + MEASURE:
            del self._notes[0]

    def _played(self, tokens: Grid, time: float) -> list[Action]:
        actions: list[Action] = []
        for voice, token in enumerate(tokens.tolist()):
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
