"""Caches lie in one folder that can be written, wherever the checkout lies and whoever runs it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from numba.core.caching import IndexDataCacheFile
from pipeline import ROOT, TINY, environment

import descant.compiled  # noqa: F401 - which names what numba keeps
from descant.caches import COMPILED, VARIABLES, cache_folder, compiled_digest, prepare_caches

PACKAGE = ROOT / "src" / "descant"
DIGEST = compiled_digest(PACKAGE)

# what is read-only for a user without privileges is for root too, in a namespace of its own
READ_ONLY = """
for folder in "$@"; do mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder"; done || exit 99
test ! -w "$1" || exit 98
exec {command}
"""


def run_read_only(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command where neither checkout, environment nor home can be written, in a folder that can."""
    if subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lets nobody mount a folder read-only for a process")
    temporary = folder / "temporary"
    temporary.mkdir()
    clean = {name: value for name, value in environment().items() if name not in (*VARIABLES, "XDG_CACHE_HOME")}
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", READ_ONLY.format(command=command), "sh", str(ROOT), sys.prefix],
        env={
            **clean,
            "HOME": "/dev/null/nobody",
            "TMPDIR": str(temporary),
            "PYTHONPATH": str(ROOT / "src"),
            **variables,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


LIBRARIES = """
import numpy, torch
import descant.commands
from descant.evaluation.novelty import codes, search
from descant.sampling import numba_engine
from descant.sampling.native.build import load_kernel
import librosa, matplotlib.pyplot
librosa.util.localmax(numpy.arange(9.0))
matplotlib.pyplot.figure().text(0, 0, "x").figure.canvas.draw()
load_kernel()
"""


@pytest.mark.slow
def test_every_library_finds_a_folder_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(LIBRARIES)
    done = run_read_only(f"{sys.executable} program.py", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {path.name for path in (tmp_path / "temporary").glob("descant-*/*") if any(path.iterdir())}
    assert kept >= {"numba", "matplotlib", "native"}
    assert "temporary" not in done.stderr and "Matplotlib created" not in done.stderr


@pytest.mark.slow
def test_the_pipeline_runs_from_a_checkout_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("rows: [large_wavenet]\ncorpus: {shards: 1}\nsampling: {engine: numba}\n")
    snakemake = f"{sys.executable} -m snakemake --snakefile {ROOT}/Snakefile --directory run --cores 1 audio"
    # Snakemake keeps its own cache there, before it reads any workflow
    cache = tmp_path / "cache"
    done = run_read_only(f"{snakemake} --configfile {TINY} own.yaml", tmp_path, XDG_CACHE_HOME=str(cache))
    assert done.returncode == 0, done.stdout + done.stderr
    assert any((cache / "descant/numba").rglob("*.nbi"))


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without caches, whose home and temporary folder are the test's."""
    for name in (*VARIABLES, "XDG_CACHE_HOME"):
        # set first, so that what is set later is taken back
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_user_s_own_folder_comes_first(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("numba") == nothing_set / "home/.cache/descant/numba"
    monkeypatch.setenv("XDG_CACHE_HOME", str(nothing_set / "xdg"))
    assert cache_folder("numba") == nothing_set / "xdg/descant/numba"
    assert (nothing_set / "xdg/descant/numba").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("home", ["file/home", "/dev/null/nobody"])
def test_else_one_among_temporary_files(nothing_set: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    (nothing_set / "file").write_text("")
    monkeypatch.setenv("HOME", str(nothing_set / home))
    assert cache_folder("numba") == nothing_set / f"descant-{os.geteuid()}/numba"


def test_what_is_set_already_stays(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    prepare_caches()
    assert os.environ["NUMBA_CACHE_DIR"] == "mine"
    assert os.environ["MPLCONFIGDIR"] == str(nothing_set / "home/.cache/descant/matplotlib")


def test_programs_share_what_one_state_of_our_loops_compiled(nothing_set: Path) -> None:
    prepare_caches()
    assert os.environ["NUMBA_CACHE_DIR"] == str(nothing_set / "home/.cache/descant/numba" / DIGEST)


def test_whoever_compiles_loops_keeps_them_by_their_types() -> None:
    # by numbers, two programs that compile one function for different types at once run each other's code
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.name != "compiled.py"}
    compiling = r"^import librosa|^from numba import njit|^ +from basic_pitch"
    callers = {path for path, text in texts.items() if re.search(compiling, text, re.MULTILINE)}
    assert len(callers) > 7
    assert callers == {path for path in callers if re.search(r"^import descant.compiled", texts[path], re.MULTILINE)}


def test_changed_loops_are_compiled_anew_wherever_they_are_called(tmp_path: Path) -> None:
    package = tmp_path / "descant"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    assert compiled_digest(package) == DIGEST
    for name in ("prediction/kernels.py", "prediction/constants.py", "sampling/numba_draw.py", "layers/prediction.py"):
        path = package / name
        before = path.read_bytes()
        path.write_bytes(before + b"# changed")
        assert compiled_digest(package) != DIGEST, name
        path.write_bytes(before)


def test_no_file_that_compiles_for_another_is_forgotten() -> None:
    users = {path for path in PACKAGE.rglob("*.py") if "from descant.compiled import" in path.read_text("utf-8")}
    assert users <= {path for pattern in COMPILED for path in PACKAGE.glob(pattern)}


@pytest.mark.parametrize("spoil", ["mode", "link", "file"])
def test_what_others_could_write_is_not_used(nothing_set: Path, spoil: str) -> None:
    folder = nothing_set / "home/.cache/descant"
    folder.parent.mkdir(parents=True)
    if spoil == "mode":
        folder.mkdir()
        folder.chmod(0o777)
    elif spoil == "link":
        folder.symlink_to(nothing_set)
    else:
        folder.write_text("in the way")
    assert cache_folder("native") == nothing_set / f"descant-{os.geteuid()}/native"


@pytest.mark.parametrize("step", ["_save_index", "_save_data"])
def test_what_is_loaded_for_some_types_was_compiled_for_them(tmp_path: Path, step: str) -> None:
    class Late(IndexDataCacheFile):  # type: ignore[misc]
        """A process that has read the index before another wrote it."""

        def _load_index(self) -> dict[str, str]:
            return {}

    class Interrupted(IndexDataCacheFile):  # type: ignore[misc]
        """A process that another overtakes at one step of what it does."""

    def overtaken(self: IndexDataCacheFile, *written: object) -> None:
        Late(tmp_path, "loop", "1").save("float64", "code for float64")
        getattr(super(Interrupted, self), step)(*written)

    setattr(Interrupted, step, overtaken)
    Interrupted(tmp_path, "loop", "1").save("float32", "code for float32")
    kept = IndexDataCacheFile(tmp_path, "loop", "1")
    assert all(kept.load(types) in (None, f"code for {types}") for types in ("float32", "float64"))
    kept.save("float32", "code for float32")
    assert kept.load("float32") == "code for float32"
