"""Being asked to stop: finish the step, save, exit 75 (EX_TEMPFAIL)."""

import os
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

EXIT_INTERRUPTED = 75
WORKFLOW_VARIABLE = "DESCANT_WORKFLOW"


class Interrupted(Exception):  # noqa: N818 - it is no error: the state is saved
    """Training stopped because it was asked to; its state is saved."""


def workflow_is_gone() -> bool:
    """Whether the workflow that started this process, told as ``host:pid`` in the environment, has died."""
    host, _, pid = os.environ.get(WORKFLOW_VARIABLE, "").rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class StopRequest:
    """Context in which SIGTERM and SIGINT ask for a stop instead of ending the process; a second one ends it."""

    def __init__(self) -> None:
        self.requested = False
        self._before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(number, signal.SIG_DFL)

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
