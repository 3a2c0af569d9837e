"""Run directories: one holder at a time, let go of on any death, named by what determines the result."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import RunError
from descant.runs.folder import locked, run_name

HOLD = """
import sys, time
from pathlib import Path
from descant.runs.folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_by_name_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            with pytest.raises(RunError, match=rf"run directory run is in use by process {holder.pid}\n") as error:
                locked(folder).__enter__()
            assert error.value.cure
        finally:
            holder.kill()
        holder.wait()
        with locked(folder):
            pass


def test_it_is_let_go_of_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path), pytest.raises(RunError):
        locked(tmp_path).__enter__()


def test_the_holder_reported_is_the_present_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999999")
    with locked(tmp_path), pytest.raises(RunError) as error:
        locked(tmp_path).__enter__()
    assert "99999999999999" not in error.value.problem


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
SETTINGS = st.dictionaries(st.text(max_size=5), LEAVES | st.dictionaries(st.text(max_size=3), LEAVES), max_size=4)


@given(one=SETTINGS, other=SETTINGS, data=st.text("0123456789abcdef", max_size=8))
def test_names_are_equal_when_the_settings_are(one: dict[str, object], other: dict[str, object], data: str) -> None:
    name = run_name(one, data)
    assert len(name) == 16 and int(name, 16) >= 0
    assert name == run_name(dict(reversed(one.items())), data)
    assert name != run_name(one, data + "0")
    # True equals 1 in Python but is another setting
    if repr(sorted(one.items(), key=repr)) != repr(sorted(other.items(), key=repr)) and one != other:
        assert name != run_name(other, data)
