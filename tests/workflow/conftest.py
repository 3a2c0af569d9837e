import fcntl
import subprocess
from pathlib import Path

import pytest
from pipeline import run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder in which the tiny pipeline ran to its end: each worker has a copy, and one of them makes it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "finished"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "made").exists():
            run(shared / "run", "--cores", "2", "all")
            (shared / "made").touch()
    folder = tmp_path_factory.mktemp("tiny")
    # unlike shutil's, a copy in which what was one file still is
    subprocess.run(["cp", "-a", f"{shared / 'run'}/.", str(folder)], check=True)
    return folder
