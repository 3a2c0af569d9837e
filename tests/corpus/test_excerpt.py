"""The song excerpt, from the package that ships it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.corpus import excerpt
from descant.corpus.excerpt import PARTS, STREAMS, decode_stream, excerpt_file, write_songs
from descant.corpus.ffmpeg import program
from descant.errors import CorpusError


def test_the_parts_are_the_mix_sample_by_sample(tmp_path: Path) -> None:
    assert write_songs(tmp_path) == PARTS
    parts = [soundfile.read(path, dtype="float32") for path in sorted(tmp_path.iterdir())]
    assert [rate for _, rate in parts] == [44100] * PARTS
    assert max(len(part) for part, _ in parts) - min(len(part) for part, _ in parts) <= 1
    np.testing.assert_array_equal(np.concatenate([part for part, _ in parts]), decode_stream(excerpt_file(), "mixture"))


def test_the_streams_are_what_they_are_called() -> None:
    streams = {name: decode_stream(excerpt_file(), name).astype(np.float64) for name in STREAMS}
    assert {stream.shape for stream in streams.values()} == {(268288, 2)}
    mixed = sum(streams[name] for name in STREAMS[1:])
    # the mix was mastered: it is its stems to -15 dB only
    error = np.square(streams["mixture"] - mixed).sum() / np.square(mixed).sum()
    assert 10 * np.log10(error) == pytest.approx(-15.5, abs=0.1)

    # nobody sings in the second third, in which everything else plays on
    shares = {name: np.square(np.array_split(streams[name], 3)[1]).sum() / np.square(streams[name]).sum()
              for name in STREAMS[1:]}  # fmt: skip
    assert shares["vocals"] < 0.05 and all(share > 0.1 for name, share in shares.items() if name != "vocals")


def test_what_is_not_there_or_broken_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "song.mp4").write_bytes(b"no song")
    with pytest.raises(CorpusError, match=r"cannot decode song\.mp4: .*moov atom not found"):
        decode_stream(tmp_path / "song.mp4", "mixture")
    monkeypatch.setattr(excerpt, "PACKAGE", "no_such_package")
    with pytest.raises(CorpusError, match="is not installed"):
        excerpt_file()


def test_the_command_leaves_nothing_half_made(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "descant.commands.excerpt", "--output", tmp_path / "songs"]
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["songs"]
    assert len(list((tmp_path / "songs").iterdir())) == PARTS


def test_the_decoder_is_the_one_of_the_wheel() -> None:
    assert "imageio_ffmpeg" in program("the excerpt")
