"""The real spleeter: its weights and its own environment, made once by the pipeline's own commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from descant.audio.files import Block
from descant.corpus.excerpt import decode_stream, excerpt_file
from descant.separation.spleeter_environment import is_supported

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources" / "spleeter"


def made(command: str, requirements: str, option: str, *arguments: str, output: Path) -> Path:
    """What a command makes of a file in envs/spleeter; it is kept between runs of the tests."""
    if not output.exists():
        module = [sys.executable, "-m", f"descant.commands.{command}", option, f"envs/spleeter/{requirements}"]
        subprocess.run([*module, *arguments, "--output", str(output)], cwd=ROOT, check=True)
    return output


@pytest.fixture(scope="session")
def weights() -> Path:
    """Folder of spleeter's models."""
    return made("spleeter_weights", "weights.txt", "--requirements", output=RESOURCES / "weights" / "2stems").parent


@pytest.fixture(scope="session")
def interpreter() -> Path:
    """The file that names the Python of spleeter's own environment."""
    if not is_supported():
        pytest.skip("spleeter's TensorFlow has no wheels for this Python and machine")
    folder = RESOURCES / "environment"
    output = folder / "interpreter.txt"
    return made("spleeter_environment", "requirements.txt", "--lock", "--folder", str(folder), output=output)


@pytest.fixture(scope="session")
def song() -> dict[str, Block]:
    """Six seconds of a song: its mix, and what should remain without vocals."""
    streams = {name: decode_stream(excerpt_file(), name) for name in ("mixture", "drums", "bass", "other", "vocals")}
    accompaniment = streams["drums"] + streams["bass"] + streams["other"]
    return {"mix": streams["mixture"], "accompaniment": accompaniment, "vocals": streams["vocals"]}
