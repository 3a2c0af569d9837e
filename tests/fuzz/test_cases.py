"""What fuzzing and strangers have found: each is read or refused with a cure, soon, in little memory."""

import resource
import time
from pathlib import Path

import pytest
import targets

CASES = sorted(path for path in (Path(__file__).parent / "cases").rglob("*") if path.is_file())


@pytest.mark.parametrize("name", targets.TARGETS)
def test_valid_files_are_read(name: str) -> None:
    """Else nothing behind the first check would be fuzzed."""
    target = targets.TARGETS[name]
    for seed in target.seeds():
        target.read(seed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_strangers_file_is_read_or_refused(path: Path) -> None:
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    targets.run(targets.TARGETS[path.parent.name], path.read_bytes())
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10
