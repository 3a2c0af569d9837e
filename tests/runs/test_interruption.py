"""Being asked to stop: noted the first time, obeyed at once the second time, and left as it was afterwards."""

import os
import signal
import socket
import subprocess
import sys
import threading
from types import FrameType

import pytest

from descant.runs.interruption import (
    WORKFLOW_VARIABLE,
    StopRequest,
    in_a_thread,
    workflow_is_gone,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_and_the_process_lives(number: signal.Signals) -> None:
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested


def test_handlers_are_put_back() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    with pytest.raises(ZeroDivisionError), StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process(number: signal.Signals) -> None:
    code = f"""
import os
from descant.runs.interruption import StopRequest
with StopRequest() as stop:
    os.kill(os.getpid(), {int(number)})
    print("alive", stop.requested, flush=True)
    os.kill(os.getpid(), {int(number)})
    print("still alive", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "alive True\n"
    assert done.returncode == -number


def test_a_handler_that_takes_a_lock_waits_for_the_main_thread_to_give_it() -> None:
    lock, handled = threading.Lock(), threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        with lock:
            handled.set()

    before = signal.signal(signal.SIGTERM, in_a_thread(handle))
    try:
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not handled.wait(0.1)
        assert handled.wait(10)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_without_a_workflow_none_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKFLOW_VARIABLE, raising=False)
    assert not workflow_is_gone()


def test_a_living_workflow_has_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKFLOW_VARIABLE, f"{socket.gethostname()}:{os.getpid()}")
    assert not workflow_is_gone()


def test_a_dead_workflow_has_gone_on_its_own_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as workflow:
        workflow.wait()
    monkeypatch.setenv(WORKFLOW_VARIABLE, f"{socket.gethostname()}:{workflow.pid}")
    assert workflow_is_gone()
    monkeypatch.setenv(WORKFLOW_VARIABLE, f"not-{socket.gethostname()}:{workflow.pid}")
    assert not workflow_is_gone()
