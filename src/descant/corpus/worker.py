"""A process of its own for what may hang or crash, so that one file costs no more than itself."""

import math
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from descant.errors import CorpusError, DescantError

# Beside what the libraries take when they are loaded, which grows with the cores; a decoder takes some 20 MiB
MEMORY_BYTES = 1 << 30
MEBIBYTE = 1 << 20


class WorkerError(DescantError):
    """The worker crashed, took too long, or met what nobody foresaw."""


class Worker:
    """One child process that is given calls one at a time, and is replaced when it dies.

    What it starts has the same bounds, and ends with it.

    Args:
        seconds: longest time for one call.
        file_bytes: longest file that it may write.
        memory_bytes: what it may take beside the libraries that its first call loads; enforced on Linux.
    """

    def __init__(self, seconds: float, file_bytes: int = 1 << 40, memory_bytes: int = MEMORY_BYTES) -> None:
        self._seconds = seconds
        self._bounds = (file_bytes, memory_bytes)
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
            pipe.send((function, arguments, self._seconds))
            if not pipe.poll(self._seconds):
                self.stop()
                raise self._too_long()
            outcome, *values = pipe.recv()
        except (EOFError, ConnectionError, BrokenPipeError):
            reason = self._end()
            if reason == "SIGXCPU":
                raise self._too_long() from None
            raise WorkerError(f"the decoder crashed ({reason})", "leave this file out") from None
        if outcome == "returned":
            return values[0]
        raise (WorkerError if outcome == "unforeseen" else CorpusError)(*values)

    def _too_long(self) -> WorkerError:
        return WorkerError(f"took longer than {self._seconds / 60:g} min", "raise corpus.item_minutes")

    def _started(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self.stop()
            self._pipe, theirs = self._context.Pipe()
            self._process = self._context.Process(target=_serve, args=(theirs, *self._bounds), daemon=True)
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
        """End the child and what it started, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            if self._process.pid is not None:
                # what it started is of its group, which outlives it
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
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


def _serve(pipe: Connection, file_bytes: int, memory_bytes: int) -> None:
    """The child: answer calls until the parent is gone."""
    # decoders in C write remarks about bad files straight to stderr
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # an interrupt from the terminal is the parent's to handle
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    _lower(resource.RLIMIT_CORE, 0)
    # beyond it, writing fails with EFBIG, as Python ignores the signal
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    is_first = True
    while True:
        try:
            # the function's module is imported here
            function, arguments, seconds = pipe.recv()
        except EOFError:
            return
        if is_first:
            _lower(resource.RLIMIT_DATA, _data_bytes() + memory_bytes)
            is_first = False
        # the parent's clock ends a call before; this ends one whose parent has died
        _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds) + 1)
        pipe.send(_answer(function, arguments, memory_bytes))


def _answer(function: Callable[..., Any], arguments: tuple[object, ...], memory_bytes: int) -> tuple[Any, ...]:
    try:
        return ("returned", function(*arguments))
    except DescantError as error:
        return ("refused", error.problem, error.cure)
    except MemoryError:
        return ("unforeseen", f"needs more memory than {memory_bytes // MEBIBYTE} MiB", "leave this file out")
    except Exception as error:
        return ("unforeseen", f"{type(error).__name__}: {error}", "report this as a defect")


def _lower(limit: int, value: int) -> None:
    """Set a soft limit, or the hard one where that is lower."""
    hard = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _data_bytes() -> int:
    """Private writable memory of this process, which RLIMIT_DATA counts; 0 where there is no /proc."""
    try:
        parts = Path("/proc/self/status").read_text().split("VmData:")
    except OSError:
        return 0
    return int(parts[1].split()[0]) * 1024 if len(parts) == 2 else 0
