"""A fork of a Python that has imported much is what a Python started anew is to those who start it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forking import forking

pytestmark = pytest.mark.slow

PROGRAM = """
import atexit, os, sys
atexit.register(print, "the end", flush=True)
print(sys.argv[1:], __name__, __spec__.name, os.getcwd(), os.environ["GIVEN"], sys.orig_argv[1:])
print(sys.stdin.read(), file=sys.stderr)
print([name for name in sys.modules if name.split(".")[0] == "descant"])
match sys.argv[1]:
    case "number": sys.exit(3)
    case "text": sys.exit("why")
    case "error": raise ValueError("wrong")
    case "killed": os.kill(os.getpid(), 9)
"""
WAITING = "import time\nprint('begun', flush=True)\ntime.sleep(600)"


def run(python: tuple[str, ...], folder: Path, *words: str) -> tuple[str, str, int]:
    environment = {**os.environ, "GIVEN": "a value"}
    done = subprocess.run(
        [*python, "program", *words],
        cwd=folder,
        env=environment,
        input="read",
        capture_output=True,
        text=True,
        check=False,
    )
    # of a trace, what was raised
    return done.stdout, done.stderr.splitlines()[-1], done.returncode


@pytest.mark.parametrize("end", ["plain", "number", "text", "error"])
def test_it_says_and_returns_what_python_does(tmp_path: Path, end: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run(forking().python, tmp_path, end, "b c") == run((sys.executable, "-m"), tmp_path, end, "b c")


def test_a_shell_that_knows_it_sees_that_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run(forking().python, tmp_path, "killed")[2] == 128 + signal.SIGKILL
    environment = {**os.environ, "GIVEN": "a value", "BASH_ENV": str(forking().bash)}
    shell = ["bash", "-c", "set -e; python -m program killed < /dev/null; echo on"]
    assert subprocess.run(shell, cwd=tmp_path, env=environment, check=False).returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_it_ends_with_who_started_it(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "program.py").write_text(f"import os\nopen('pid', 'w').write(str(os.getpid()))\n{WAITING}")
    started = subprocess.Popen([*forking().python, "program"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None and started.stdout.readline() == "begun\n"
    pid = int((tmp_path / "pid").read_text())
    started.send_signal(number)
    started.wait(60)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
