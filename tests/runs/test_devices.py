"""Leases of devices: one holder each, all or none, ended by the kernel."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import RunError
from descant.runs.devices import VISIBLE, lease, nvidia_devices, see_only_leased

HOLD = """
import sys, time
from pathlib import Path
from descant.runs.devices import lease
held = lease(sys.argv[2].split(","), int(sys.argv[3]), Path(sys.argv[1]), 60)
print(",".join(held.devices), flush=True)
time.sleep(float(sys.argv[4]))
"""


def holder(folder: Path, devices: str, count: int, seconds: float) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", HOLD, str(folder), devices, str(count), str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def held_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@settings(max_examples=30, deadline=None)
@given(total=st.integers(1, 6), wanted=st.lists(st.integers(1, 6), max_size=5))
def test_no_device_has_two_holders(tmp_path_factory: pytest.TempPathFactory, total: int, wanted: list[int]) -> None:
    folder, devices, taken = tmp_path_factory.mktemp("leases"), [str(number) for number in range(total)], set()
    leases = []
    for count in wanted:
        if count <= total - len(taken):
            held = lease(devices, count, folder, 0)
            assert len(held.devices) == count and not taken & set(held.devices)
            taken |= set(held.devices)
            leases.append(held)
        else:
            with pytest.raises(RunError):
                lease(devices, count, folder, 0)
    for held in leases:
        held.end()
    everything = lease(devices, total, folder, 0)
    assert list(everything.devices) == devices
    everything.end()


def test_a_killed_holder_lets_go_and_who_waits_gets_it(tmp_path: Path) -> None:
    first = holder(tmp_path, "0", 1, 60)
    assert held_by(first) == "0"
    second = holder(tmp_path, "0", 1, 0)
    time.sleep(0.5)
    assert second.poll() is None, "it waits"
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert held_by(second) == "0"
    assert second.wait(10) == 0


def test_two_jobs_that_want_both_devices_do_not_wait_for_one_another(tmp_path: Path) -> None:
    jobs = [holder(tmp_path, "0,1", 2, 0.2) for _ in range(3)]
    assert [job.wait(30) for job in jobs] == [0, 0, 0]
    assert [held_by(job) for job in jobs] == ["0,1"] * 3


def test_more_than_there_are_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="gpus_per_job is 3 but this machine has 2"):
        lease(["0", "1"], 3, tmp_path, 60)


def test_only_the_leased_devices_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    del os.environ[VISIBLE]
    first = see_only_leased(["a", "b"], 1, tmp_path, 0)
    assert first and os.environ.pop(VISIBLE) == "a"
    second = see_only_leased(["a", "b"], 1, tmp_path, 0)
    assert second and os.environ.pop(VISIBLE) == "b"
    first.end()
    second.end()


def test_what_a_scheduler_dealt_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "3")
    assert see_only_leased(["a"], 1, tmp_path, 0) is None
    assert os.environ[VISIBLE] == "3"
    assert not list(tmp_path.iterdir())


def test_the_driver_s_program_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_devices() == ()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-1f2e\necho GPU-77ab\n")
    program.chmod(0o755)
    assert nvidia_devices() == ("GPU-1f2e", "GPU-77ab")
    program.write_text("#!/bin/sh\necho no driver\nexit 9\n")
    assert nvidia_devices() == ()
