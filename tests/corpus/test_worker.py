import os
import signal
import time

import pytest

from descant.corpus.worker import Worker, WorkerError
from descant.errors import CorpusError


def fail(problem: str) -> None:
    raise CorpusError(problem, "do better")


def test_answers_and_survives_what_goes_wrong() -> None:
    with Worker(20) as worker:
        assert worker.call(sum, [1, 2]) == 3
        with pytest.raises(CorpusError, match="no good\n  cure: do better"):
            worker.call(fail, "no good")
        with pytest.raises(WorkerError, match="ValueError"):
            worker.call(int, "x")
        pid = worker.call(os.getpid)
        with pytest.raises(WorkerError, match=r"crashed.*SIGSEGV"):
            worker.call(signal.raise_signal, signal.SIGSEGV)
        with pytest.raises(WorkerError, match=r"crashed.*exit code 3"):
            worker.call(os._exit, 3)
        assert worker.call(os.getpid) not in (pid, os.getpid())


def test_a_call_that_hangs_is_ended() -> None:
    with Worker(3) as worker:
        worker.call(abs, 1)
        worker._seconds = 0.2
        with pytest.raises(WorkerError, match="took longer"):
            worker.call(time.sleep, 100)
        worker._seconds = 20
        assert worker.call(abs, -1) == 1
