import io
import itertools
import os
import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from recordings import fingerprint_of, melody

from descant.audio.fingerprint import Words, bit_error_rate
from descant.config.corpus import Scores
from descant.corpus import duplicates
from descant.corpus.duplicates import THRESHOLD, is_same_recording, join_groups, near_duplicates
from descant.corpus.rendering import render
from descant.corpus.scores import locate, read_pieces
from descant.scores.notes import PIANO

RATE = 22050
PIECES = 24
Audio = npt.NDArray[np.float64]


def encoded(audio: Audio, container: str, **options: object) -> Audio:
    soundfile.write(file := io.BytesIO(), audio, RATE, format=container, **options)
    return np.asarray(soundfile.read(io.BytesIO(file.getvalue()))[0])


def versions(audio: Audio) -> dict[str, tuple[Audio, int]]:
    """The same recording as other people have it."""
    noise = np.random.default_rng(0).standard_normal(len(audio)) * audio.std() / 10
    worst = {"bitrate_mode": "CONSTANT", "compression_level": 0.95}
    return {
        "16-bit": (encoded(audio, "WAV", subtype="PCM_16"), RATE),
        "mp3": (encoded(audio, "MP3", **worst), RATE),
        "ogg": (encoded(audio, "OGG", compression_level=0.9), RATE),
        "quieter": (audio / 10, RATE),
        "telephone": (soxr.resample(audio, RATE, 8000), 8000),
        "half a second less": (audio[RATE // 2 : -RATE // 2], RATE),
        "half a step off": (audio[int(0.0233 * RATE) :], RATE),
        "excerpt": (audio[5 * RATE : 14 * RATE], RATE),
        "noise": (audio + noise, RATE),
    }


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Audio]:
    """Renderings of the embedded scores: one piano, most at one tempo."""
    path = tmp_path_factory.mktemp("pieces") / "a.flac"
    rendered, scores = [], Scores(seconds_per_piece=20, render_rate=RATE)
    for piece in read_pieces(Scores())[:PIECES]:
        render(locate("builtin", piece.path), piece.quarters_per_minute, PIANO, scores, path)
        rendered.append(np.asarray(soundfile.read(path, always_2d=True)[0].mean(axis=1)))
    return rendered


def words_of(audio: Audio, rate: int = RATE) -> Words:
    return fingerprint_of(audio[:, None], rate)


def best(first: Words, second: Words) -> float:
    """Lowest bit error rate over all offsets at which half of the shorter one overlaps."""
    rates = [1.0]
    for offset in range(-len(first), len(second)):
        overlap = duplicates._overlap(first, second, offset)
        if overlap.shape[1] >= max(duplicates.LEAST_WORDS, min(len(first), len(second)) / 2):
            rates.append(bit_error_rate(overlap[0], overlap[1]))
    return min(rates)


@pytest.mark.slow
def test_other_versions_are_grouped_and_other_pieces_are_not(pieces: list[Audio]) -> None:
    whole = [words_of(audio) for audio in pieces]
    fingerprints = {f"{n:02} original": words for n, words in enumerate(whole)}
    for n, audio in enumerate(pieces[:8]):
        fingerprints |= {f"{n:02} {name}": words_of(*version) for name, version in versions(audio).items()}
    groups = near_duplicates(fingerprints)
    found = {(a, b) for a, b in itertools.combinations(sorted(groups), 2) if groups[a] == groups[b]}
    true = {(a, b) for a, b in itertools.combinations(sorted(fingerprints), 2) if a[:2] == b[:2]}
    assert found == true
    # names are of tracks in the group, the lowest
    assert all(group == min(track for track in groups if groups[track] == group) for group in groups.values())
    # the margin: what the threshold stands between
    same = [best(whole[int(track[:2])], words) for track, words in fingerprints.items() if "original" not in track]
    others = [best(a, b) for a, b in itertools.combinations(whole, 2)]
    print(f"bit error rate: same at most {max(same):.3f}, others at least {min(others):.3f} of {len(others)} pairs")
    assert max(same) < THRESHOLD - 0.05 and min(others) > THRESHOLD + 0.05


def chromaprint(audio: Audio, path: Path) -> Words:
    """Another fingerprint, of another library: AcoustID's."""
    soundfile.write(path, audio, RATE, format="WAV")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        path,
        "-f",
        "chromaprint",
        "-fp_format",
        "raw",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype="<u4")


@pytest.mark.skipif(
    not re.search(r"\bchromaprint\b", os.popen(f"{imageio_ffmpeg.get_ffmpeg_exe()} -v 0 -muxers").read()),
    reason="this ffmpeg was built without chromaprint",
)
def test_chromaprint_shows_the_same(tmp_path: Path) -> None:
    audio = {f"{n} whole": melody(n, 16, RATE)[:, 0] for n in range(3)}
    audio |= {f"{n} mp3": encoded(audio[f"{n} whole"][RATE // 2 :], "MP3") for n in range(3)}
    groups = near_duplicates({name: words_of(one) for name, one in audio.items()})
    others = {name: chromaprint(one, tmp_path / "a.wav") for name, one in audio.items()}
    for a, b in itertools.combinations(audio, 2):
        first, second = others[a], others[b]
        windows = [(first[o:][:90], second[:90]) for o in range(8)] + [(first[:90], second[o:][:90]) for o in range(8)]
        rates = [bit_error_rate(*window) for window in windows]
        # of it others measured 0.05 for a copy and 0.25 for what is new, over 5 s
        assert (min(rates) < 0.2) == (a in groups and groups[a] == groups.get(b)), (a, b, min(rates))


def noise_words(seed: int, count: int) -> Words:
    return np.random.default_rng(seed).integers(1, 2**32, count, dtype=np.uint32)


@given(
    st.integers(108, 2000), st.integers(0, 700), st.integers(0, 700), st.sampled_from([0.0, 0.05, 0.1]), st.booleans()
)
def test_shifted_copies_with_errors_are_found(
    common: int, before: int, after: int, errors: float, is_late: bool
) -> None:
    first = noise_words(1, common)
    flips = np.packbits(np.random.default_rng(2).random((common, 32)) < errors, axis=1).view(np.uint32)[:, 0]
    second = np.concatenate([noise_words(3, before), first ^ flips, noise_words(4, after)])
    offset = before + 1 if is_late else before
    assert is_same_recording(first, second, offset) and is_same_recording(second, first, -offset)
    assert not is_same_recording(first, noise_words(5, 3000), offset)
    if common > 400:
        assert near_duplicates({"b": first, "a": second, "c": noise_words(6, 900)}) == {"a": "a", "b": "a"}


def test_too_little_to_show_by() -> None:
    words = noise_words(1, 300)
    assert not near_duplicates({"a": words[:107], "b": words[:107]})
    assert near_duplicates({"a": words[:108], "b": words[:108]})
    # a loop, silence, a part that is less than half of both
    loop = np.tile(words[:15], 20)
    assert not near_duplicates({"a": loop, "b": loop})
    assert not near_duplicates({"a": np.zeros(500, np.uint32), "b": np.zeros(500, np.uint32)})
    longer = [np.concatenate([words, noise_words(n, 400)]) for n in (2, 3)]
    assert not near_duplicates({"a": longer[0], "b": longer[1]})
    assert near_duplicates({"a": longer[0], "b": longer[1], "c": words}) == {"a": "a", "b": "a", "c": "a"}
    assert near_duplicates({}) == near_duplicates({"a": words}) == {}


def test_many_copies_and_a_share_of_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = {f"{n:03}": noise_words(n // 40, 1500)[n % 40 :] for n in range(120)}
    expected = {f"{n:03}": f"{n // 40 * 40:03}" for n in range(120)}
    assert near_duplicates(tracks) == expected
    monkeypatch.setattr(duplicates, "INDEX_WORDS", 20_000)
    assert near_duplicates(tracks) == expected
    assert len(duplicates._index(list(tracks.values()))[2]) < 40_000


@pytest.mark.parametrize("period", [43, 41, 47])
def test_music_that_repeats_itself_exactly_is_found_too(period: int) -> None:
    random = np.random.default_rng(period)
    tracks = {}
    for number in range(6):
        loop = random.integers(1, 2**32, period, dtype=np.uint32)
        track = np.tile(loop, 2600 // period)
        # a copy in which every other word has one bit turned
        copy = track.copy()
        copy[::2] ^= np.uint32(1) << random.integers(0, 32, len(copy[::2]), dtype=np.uint32)
        tracks |= {f"{number}a": track, f"{number}b": copy}
    groups = near_duplicates(tracks)
    assert groups == {name: f"{name[0]}a" for name in tracks}


GROUPINGS = st.lists(st.dictionaries(st.integers(0, 12).map(str), st.sampled_from("xyz"), max_size=8), max_size=3)


@given(GROUPINGS)
def test_joined_groups_are_the_finest_that_hold_every_grouping(groupings: list[dict[str, str]]) -> None:
    joined = join_groups(*groupings)
    # oracle: spread the least id over every group until nothing changes
    least = {track: track for grouping in groupings for track in grouping}
    for _ in range(len(least) + 1):
        for grouping in groupings:
            for name in grouping.values():
                members = [track for track in grouping if grouping[track] == name]
                lowest = min(least[track] for track in members)
                least.update({track: lowest for track in least if least[track] in {least[m] for m in members}})
    sizes = [list(least.values()).count(name) for name in least.values()]
    assert joined == {track: name for (track, name), size in zip(least.items(), sizes, strict=True) if size > 1}
