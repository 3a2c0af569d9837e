"""A process of its own for what may hang or crash, so that one file costs no more than itself."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from descant.errors import CorpusError, DescantError


class WorkerError(DescantError):
    """The worker crashed, took too long, or met what nobody foresaw."""


class Worker:
    """One child process that is given calls one at a time, and is replaced when it dies.

    Args:
        seconds: longest time for one call.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # spawned, not forked: a fork would copy locks of threads that do not live in the child
        self._context = multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call a module's function in the child.

        Args:
            function: importable by name.
            arguments: picklable.

        Returns:
            What the function returns.

        Raises:
            WorkerError: when the child crashes, takes too long or raises something unforeseen.
            CorpusError: in place of any other DescantError raised in the child.
        """
        pipe = self._started()
        try:
            pipe.send((function, arguments))
            if not pipe.poll(self._seconds):
                self.stop()
                raise WorkerError(f"took longer than {self._seconds / 60:g} min", "raise corpus.item_minutes")
            outcome, *told = pipe.recv()
        except (EOFError, ConnectionError, BrokenPipeError):
            reason = self._end()
            raise WorkerError(f"the decoder crashed ({reason})", "leave this file out") from None
        if outcome == "returned":
            return told[0]
        raise (WorkerError if outcome == "unforeseen" else CorpusError)(*told)

    def _started(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self.stop()
            self._pipe, theirs = self._context.Pipe()
            self._process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _end(self) -> str:
        process = self._process
        if process is not None:
            process.join(5)
        code = process.exitcode if process is not None else None
        self.stop()
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """End the child, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _serve(pipe: Connection) -> None:
    """The child: answer calls until the parent is gone."""
    # decoders in C write remarks about bad files straight to stderr
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # an interrupt from the terminal is the parent's to handle
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        answer: tuple[Any, ...]
        try:
            answer = ("returned", function(*arguments))
        except DescantError as error:
            answer = ("refused", error.problem, error.cure)
        except Exception as error:
            answer = ("unforeseen", f"{type(error).__name__}: {error}", "report this as a defect")
        pipe.send(answer)
