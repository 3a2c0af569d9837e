"""SIGTERM reaches every Snakemake of this workflow, the one inside a cluster's job too, whatever it is doing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# the signal comes while the main thread holds the lock that Snakemake's handler takes, as it does when it chooses jobs
PROGRAM = """
import os, signal, sys, time
from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler

schedule = JobScheduler.schedule

def choose(self):
    with self._lock:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)
    # what holds the lock has gone on: the handler gets it
    while self._user_kill is None:
        time.sleep(0.01)
    return schedule(self)

JobScheduler.schedule = choose
main(sys.argv[1:])
"""


def test_it_is_heeded_where_no_hooks_run(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    # as the Snakemake of a cluster's job is called; without the workflow's own profile
    command += [
        "--workflow-profile",
        "none",
        "--scheduler",
        "greedy",
        "--no-hooks",
        "--nolock",
        "--cores",
        "1",
        "corpus",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Will exit after finishing currently running jobs" in done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "results/sequences").exists()
