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
    with pytest.raises(RunError, match="gpus_per_job is 3, but the devices to be had are 2"):
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
    """As many as are wanted: each job of a cluster sees a device 0, and these are not the same."""
    for dealt, count in (("3", 1), ("0,1", 2), ("", 1)):
        monkeypatch.setenv(VISIBLE, dealt)
        assert see_only_leased(["a"], count, tmp_path, 0) is None
        assert os.environ[VISIBLE] == dealt
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("driver_shows", [(), ("a", "b", "c", "d")])
def test_of_more_visible_devices_than_are_wanted_each_job_takes_its_own(
    driver_shows: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, leases = [], []
    for _ in range(2):
        monkeypatch.setenv(VISIBLE, "1, 3")
        leases.append(see_only_leased(driver_shows, 1, tmp_path, 0))
        seen.append(os.environ[VISIBLE])
    assert seen == ["1", "3"]
    monkeypatch.setenv(VISIBLE, "1,3")
    with pytest.raises(RunError, match="did not become free"):
        see_only_leased(driver_shows, 1, tmp_path, 0)
    for held in leases:
        assert held is not None
        held.end()


def test_a_device_is_one_device_by_its_number_and_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    by_number = see_only_leased(["a", "b"], 1, tmp_path, 0)
    monkeypatch.delenv(VISIBLE)
    by_name = see_only_leased(["a", "b"], 1, tmp_path, 0)
    assert by_number and by_name and os.environ[VISIBLE] == "b"
    by_number.end()
    by_name.end()


def test_fewer_visible_devices_than_are_wanted_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    with pytest.raises(RunError, match="gpus_per_job is 3, but the devices to be had are 2"):
        see_only_leased(["a", "b", "c"], 3, tmp_path, 0)


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_driver_s_program_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_devices() == ()
    two = "GPU 0: NVIDIA A100 (UUID: GPU-1f2e)\nGPU 1: NVIDIA A100 (UUID: GPU-77ab)"
    driver(tmp_path, monkeypatch, f"test $1 = -L && cat <<END\n{two}\nEND")
    assert nvidia_devices() == ("GPU-1f2e", "GPU-77ab")
    driver(tmp_path, monkeypatch, "echo no driver; exit 9")
    assert nvidia_devices() == ()


def test_the_parts_of_a_divided_card_are_devices_and_the_card_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = """GPU 0: NVIDIA H100 (UUID: GPU-1f2e)
  MIG 1g.10gb     Device  0: (UUID: MIG-c6d4)
  MIG 1g.10gb     Device  1: (UUID: MIG-cba6)
GPU 1: NVIDIA H100 (UUID: GPU-77ab)"""
    driver(tmp_path, monkeypatch, f"cat <<END\n{listed}\nEND")
    assert nvidia_devices() == ("MIG-c6d4", "MIG-cba6", "GPU-77ab")


def test_a_driver_that_hangs_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(RunError, match="nvidia-smi did not answer in"):
        nvidia_devices(patience=0.2)
