"""Being asked to stop: finish the step, save, exit 75 (EX_TEMPFAIL)."""

import functools
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import ParamSpec, Self

P = ParamSpec("P")
EXIT_INTERRUPTED = 75
WORKFLOW_VARIABLE = "DESCANT_WORKFLOW"


class Interrupted(Exception):  # noqa: N818 - it is no error: the state is saved
    """Training stopped because it was asked to; its state is saved."""


def prepare_jobs() -> None:
    """Set the environment that the jobs of this workflow process inherit.

    They run the Python that runs the workflow, whether or not its environment is activated, and they know which
    process must be alive: a job that outlives its workflow would hold its run directory.
    """
    # an environment that a rule brings has not installed this package: it finds its source
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # a nested process of the same machine keeps the outer workflow; on another machine the nested one is it
    if os.environ.get(WORKFLOW_VARIABLE, "").rpartition(":")[0] != socket.gethostname():
        os.environ[WORKFLOW_VARIABLE] = f"{socket.gethostname()}:{os.getpid()}"


def in_a_thread(handler: Callable[P, object]) -> Callable[P, None]:
    """The same handler of a signal, run beside the main thread and not in its middle.

    Snakemake's takes a lock that the main thread may hold while it chooses or ends jobs: there it would wait for ever.
    """

    @functools.wraps(handler)
    def started(*args: P.args, **kwargs: P.kwargs) -> None:
        threading.Thread(target=handler, args=args, kwargs=kwargs, daemon=True).start()

    return started


def workflow_is_gone() -> bool:
    """Whether the workflow that started this process, named as ``host:pid`` in the environment, has died."""
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
        for other in self._before:
            signal.signal(other, signal.SIG_DFL)

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
