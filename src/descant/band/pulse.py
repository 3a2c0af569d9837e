"""When each sixteenth is: at a tempo that stays, or at that of a person who is followed.

A person is followed by two processes of error correction (Mates 1994; Repp 2005 reviews how people do it): of how far a
note begins from its nearest sixteenth, one share moves what comes next, its phase, and another changes how long it
lasts, its period. The page's ``pulse.js`` is the same, line by line.
"""

from descant.band.quantise import nearest, step_seconds
from descant.scores.parts import MEASURE, STEPS_A_QUARTER

# shares of an error: of the phase, and of the period; ours
PHASE, PERIOD = 0.6, 0.2
# seconds that a hand, or a port that says it late, may be off without meaning a tempo; ours
STEADY = 0.02
# sixteenths that an error counts for at most, and how many times as fast or slow as at first it gets; ours
MOST, FURTHEST = 0.25, 1.5


class Pulse:
    """Times on a clock of sixteenths, which are counted from the first bar line.

    Args:
        tempo: quarters a minute.
        start: of the measure before the first bar line, seconds on the clock.

    Attributes:
        length: of a sixteenth now, seconds.
    """

    def __init__(self, tempo: float, start: float) -> None:
        self.length = self._first = step_seconds(tempo)
        self._step, self._time = 0, start + MEASURE * self.length
        self._last: int | None = None

    def time(self, step: float) -> float:
        """When a sixteenth is, seconds; of one ahead, when it will be if nothing changes."""
        return self._time + (step - self._step) * self.length

    def step(self, time: float) -> float:
        """The sixteenth at a time, with its fraction."""
        return self._step + (time - self._time) / self.length

    def follow(self, time: float) -> None:
        """Correct phase and period by a note of the person that begins at a time; of several at once, by the first.

        At most what comes after it moves by 0.15 sixteenths, and lasts an eightieth longer or shorter.
        """
        at = self.step(time)
        step = nearest(at)
        if step < 0 or step == self._last:
            return
        early = at < step
        size = min(MOST, max(0.0, abs(at - step) - STEADY / self.length))
        error = -size if early else size
        # notes in quick succession say little of the period
        since = STEPS_A_QUARTER if self._last is None else max(STEPS_A_QUARTER, step - self._last)
        self._last = step
        self._step, self._time = step, self.time(step) + PHASE * error * self.length
        longest, shortest = self._first * FURTHEST, self._first / FURTHEST
        self.length = min(longest, max(shortest, self.length * (1 + PERIOD * error / since)))
