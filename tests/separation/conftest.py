"""The real spleeter: its weights and its own environment, see the fixture they come from."""

from pathlib import Path

import pytest

from descant.audio.files import Block
from descant.corpus.excerpt import decode_stream, excerpt_file
from descant.separation.spleeter_environment import is_supported


@pytest.fixture(scope="session")
def weights(spleeter_resources: Path) -> Path:
    """Folder of spleeter's models."""
    return spleeter_resources / "weights"


@pytest.fixture(scope="session")
def interpreter(spleeter_resources: Path) -> Path:
    """The file that names the Python of spleeter's own environment."""
    if not is_supported():
        pytest.skip("spleeter's TensorFlow has no wheels for this Python and machine")
    return spleeter_resources / "environment" / "interpreter.txt"


@pytest.fixture(scope="session")
def song() -> dict[str, Block]:
    """Six seconds of a song: its mix, and what should remain without vocals."""
    streams = {name: decode_stream(excerpt_file(), name) for name in ("mixture", "drums", "bass", "other", "vocals")}
    accompaniment = streams["drums"] + streams["bass"] + streams["other"]
    return {"mix": streams["mixture"], "accompaniment": accompaniment, "vocals": streams["vocals"]}
