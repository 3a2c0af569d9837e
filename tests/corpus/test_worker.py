import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
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


def take(mebibytes: int) -> int:
    return len(np.ones(mebibytes << 17))


def write_file(path: Path, mebibytes: int) -> None:
    path.write_bytes(bytes(mebibytes << 20))


def spin() -> None:
    while True:
        pass


def start(program: str) -> int:
    return subprocess.Popen([sys.executable, "-c", program]).pid


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce RLIMIT_DATA")
def test_memory_is_bounded() -> None:
    with Worker(20, memory_bytes=100 << 20) as worker:
        assert worker.call(take, 50) == 50 << 17
        with pytest.raises(WorkerError, match="needs more memory than 100 MiB"):
            worker.call(take, 150)
        assert worker.call(take, 50) == 50 << 17


def test_files_are_bounded(tmp_path: Path) -> None:
    with Worker(20, file_bytes=2 << 20) as worker:
        worker.call(write_file, tmp_path / "a", 1)
        with pytest.raises(WorkerError, match="File too large"):
            worker.call(write_file, tmp_path / "b", 3)


def test_an_orphan_ends_by_its_processor_time() -> None:
    with Worker(1) as worker:
        worker.call(abs, 1)
        # as if the parent's clock had stopped
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(worker._pipe), "poll", lambda *_: True)
            with pytest.raises(WorkerError, match="took longer than"):
                worker.call(spin)


def test_what_it_started_ends_with_it() -> None:
    worker = Worker(20)
    pid = worker.call(start, "import time; time.sleep(100)")
    assert is_alive(pid)
    worker.stop()
    for _ in range(100):
        if not is_alive(pid):
            break
        time.sleep(0.05)
    assert not is_alive(pid)
