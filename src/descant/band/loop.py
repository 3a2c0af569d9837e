"""The loop of a session: it takes what comes in, sends what is due, and has measures planned beside it."""

import heapq
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol

from descant.band.session import Ask, Click, Release, Session, Strike
from descant.scores.parts import Grid

# seconds between two looks at what comes in; ours
POLL = 0.002


@dataclass(frozen=True, slots=True)
class Key:
    """The person strikes a key or lets go of it."""

    pitch: int
    down: bool


class Clock(Protocol):
    """A clock that never goes back."""

    def now(self) -> float:
        """Seconds."""

    def wait(self, until: float) -> None:
        """Return at a time, or a little later."""


class Ports(Protocol):
    """Where notes come from and go to."""

    def receive(self) -> Iterable[Key]:
        """What has come since the last call."""

    def send(self, event: Click | Strike | Release) -> None:
        """Send one event now."""

    def panic(self) -> None:
        """End every note."""


@dataclass(frozen=True)
class Band:
    """What a session is played with.

    Attributes:
        plan: a measure from the person's tokens: :meth:`descant.band.player.BandPlayer.plan`.
        executor: of one worker, in which it runs.
        shown: called with each plan as soon as it stands, before it sounds.
        muted: voices that do not sound.
    """

    plan: Callable[[Grid, int], Grid]
    executor: Executor
    shown: Callable[[int, Grid], None]
    muted: frozenset[int] = frozenset()


def perform(session: Session, band: Band, clock: Clock, ports: Ports, until: float = float("inf")) -> None:
    """Play until a time, or until it is interrupted. However it ends, every note is ended first.

    Args:
        session: that has not begun.
        band: what plays.
        clock: the session's.
        ports: where it plays.
        until: on the clock.
    """
    due: list[tuple[float, int, Click | Strike | Release]] = []
    asked: list[tuple[int, Future[Grid]]] = []
    order = 0
    try:
        while (now := clock.now()) < until:
            for key in ports.receive():
                (session.note_on if key.down else session.note_off)(now, key.pitch)
            while asked and asked[0][1].done():
                measure, future = asked.pop(0)
                session.give(measure, future.result())
                band.shown(measure, future.result())
            for action in session.tick(now):
                if isinstance(action, Ask):
                    asked.append((action.measure, band.executor.submit(band.plan, action.heard, action.measure)))
                elif isinstance(action, Click) or action.voice not in band.muted:
                    order += 1
                    heapq.heappush(due, (action.time, order, action))
            while due and due[0][0] <= now:
                ports.send(heapq.heappop(due)[2])
            clock.wait(min([now + POLL, *(time for time, _, _ in due[:1])]))
    finally:
        ports.panic()
