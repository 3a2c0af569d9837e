"""WavPack that is damaged in places is used around them."""

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.files import AudioFileError, read_blocks
from descant.corpus.decode import Bounds, track_file, verify
from descant.corpus.ffmpeg import recognise
from descant.corpus.wavpack import MOST_PARTS, BrokenWavPackDecoder, part_starts

RATE, SECONDS = 8000, 12
BOUNDS = Bounds(60, 1 << 30)


@pytest.fixture(scope="module", params=[1, 2, 6])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("wavpack")
    random = np.random.default_rng(request.param)
    soundfile.write(folder / "a.wav", 0.1 * random.standard_normal((RATE * SECONDS, request.param)), RATE)
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", folder / "a.wav", folder / "a.wv"]
    subprocess.run(program, check=True)
    return (folder / "a.wv").read_bytes()


def blocks_of(content: bytes) -> list[int]:
    places, place = [], 0
    while place < len(content):
        places.append(place)
        place += 8 + int.from_bytes(content[place + 4 : place + 8], "little")
    return places


def test_a_whole_chain_is_one_part(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.wv"
    for tail in (b"", b"APETAGEX" + bytes(60), b"TAG" + bytes(125)):
        path.write_bytes(whole + tail)
        assert part_starts(bytes(path), 0) == [0]
    with pytest.raises(AudioFileError, match="1 part"):
        BrokenWavPackDecoder(bytes(path), recognise(bytes(path)))


@pytest.mark.parametrize("damaged", [(0.3,), (0.2, 0.7)])
def test_zeros_over_a_header_cost_the_blocks_around_them(whole: bytes, tmp_path: Path, damaged: tuple[float]) -> None:
    content, places = bytearray(whole), blocks_of(whole)
    for share in damaged:
        place = places[int(share * len(places))] - 500
        content[place : place + 1000] = bytes(1000)
    path = tmp_path / "a.wv"
    path.write_bytes(content)
    outcome = verify(bytes(path), tmp_path, BOUNDS)
    noun = "place" if len(damaged) == 1 else "places"
    assert f"around {len(damaged)} {noun} of damage; this part is used" in outcome.reason
    # ffmpeg writes blocks of up to half a second
    assert SECONDS - 1.1 * len(damaged) < outcome.seconds < SECONDS
    kept = np.concatenate(list(read_blocks(track_file(tmp_path, outcome.track))))
    assert np.abs(kept).max() < 0.8


def test_bytes_that_look_like_a_header_begin_no_part(tmp_path: Path) -> None:
    path = tmp_path / "a.wv"
    path.write_bytes(b"wvpk" * 5000)
    assert part_starts(bytes(path), 0) == [0]
    assert not verify(bytes(path), tmp_path, BOUNDS).is_used


HEAD = st.builds(
    lambda size, version, flags, body: b"wvpk" + struct.pack("<IH14xI", size, version, flags) + body,
    st.integers(0, 60) | st.sampled_from([1 << 20, 0xFFFFFFFF]),
    st.sampled_from([0x401, 0x402, 0x410, 0x411]),
    st.sampled_from([0, 0x800]),
    st.binary(max_size=40),
)


@given(st.lists(HEAD | st.binary(max_size=20), min_size=1).map(b"".join).filter(bool))
def test_parts_rise_through_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("wv") / "a.wv"
    path.write_bytes(content)
    starts = part_starts(bytes(path), 0)
    assert starts == sorted(set(starts)) and starts[0] == 0 and len(starts) <= MOST_PARTS + 1
    assert all(content[start : start + 4] == b"wvpk" for start in starts[1:])
