"""Connections that wait for nobody for ever: uvicorn's protocol with time limits for who sends, and who takes, slowly.

uvicorn closes a connection that is idle between two requests, and no other: one that never sends the end of its headers
would hold a descriptor until its client closes it.
"""

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# from the first byte, or from the connection, to the end of a request's body; for an answer, without taking any; ours
SECONDS = 20.0
MOST_CONNECTIONS = 500
# accepted at one go, before any of them is looked at
BACKLOG = 64
# at most so much of the descriptors this process may have
SHARE_OF_DESCRIPTORS = 0.5


def most_connections() -> int:
    """How many connections are held at once; descriptors are left for clips, the ratings and their journal."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft < 0 else min(MOST_CONNECTIONS, int(soft * SHARE_OF_DESCRIPTORS))


class TimedProtocol(H11Protocol):
    """HTTP/1.1 with time limits; of too many connections, the one that waits longest for a whole request is closed."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take uvicorn's arguments."""
        super().__init__(*arguments, **named)
        self._sending: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._sending = self._limit()
        # one that is closed already leaves the set a little later
        held = [other for other in self.connections if not other.transport.is_closing()]
        if len(held) > most_connections():
            # this one is among them
            waiting = [other for other in held if isinstance(other, TimedProtocol) and other._sending]
            min(waiting, key=_deadline).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        self._sending = self._sending or self._limit()
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            _cancel(self._sending)
            self._sending = None

    def pause_writing(self) -> None:
        """Begin to wait for a client that takes nothing."""
        super().pause_writing()
        self._taking = self._taking or self._limit()

    def resume_writing(self) -> None:
        """Go on: the client took something."""
        super().resume_writing()
        _cancel(self._taking)
        self._taking = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _cancel(self._sending)
        _cancel(self._taking)
        super().connection_lost(exc)

    def _limit(self) -> asyncio.TimerHandle:
        return self.loop.call_later(SECONDS, self.transport.abort)


def _deadline(waiting: TimedProtocol) -> float:
    return waiting._sending.when() if waiting._sending else 0.0


def _cancel(limit: asyncio.TimerHandle | None) -> None:
    if limit is not None:
        limit.cancel()
