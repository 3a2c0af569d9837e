import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import tones

from descant.audio.files import Block
from descant.corpus.scan import printable
from descant.separation.separator import RATE, SeparationError, TrackError
from descant.separation.stems import LENGTH_TOLERANCE, StemFiles

ACCOMPANIMENT, VOCALS = tones(1.5, 300), tones(1.5, 900)
MIX = ACCOMPANIMENT + VOCALS


def write(path: Path, audio: Block, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(path), audio, rate, format=path.suffix[1:].upper())


@pytest.fixture
def track(tmp_path: Path) -> Path:
    write(tmp_path / "tracks" / "a.flac", MIX)
    return tmp_path / "tracks" / "a.flac"


def separated(folder: Path, track: Path, source: str, stem: str = "accompaniment") -> dict[str, Block]:
    parts = list(StemFiles(folder, stem).separate(track, source))
    found = {name: np.concatenate([part.stems[name] for part in parts]) for name in parts[0].stems}
    return {"mix": np.concatenate([part.mix for part in parts]), **found}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("song.mp3", "song.flac"),
        ("song.mp3", "song/accompaniment.wav"),
        ("album one/a'b $(x) {y}.v2.ogg", "album one/a'b $(x) {y}.v2.wav"),
        ("../song.mp3", "../song/accompaniment.wav"),
    ],
)
def test_a_file_of_the_same_name_is_found(tmp_path: Path, track: Path, source: str, name: str) -> None:
    folder = tmp_path / "stems"
    write(folder / "other.wav", VOCALS)
    write(folder / name, ACCOMPANIMENT)
    if ".." in name:
        with pytest.raises(TrackError, match="no separated file"):
            separated(folder, track, source)
        return
    found = separated(folder, track, source)
    np.testing.assert_allclose(found["mix"], MIX, atol=1e-4)
    np.testing.assert_allclose(found["accompaniment"], ACCOMPANIMENT, atol=1e-4)
    assert set(found) == {"mix", "accompaniment"}


def test_both_stems_of_a_folder_are_read(tmp_path: Path, track: Path) -> None:
    write(tmp_path / "stems" / "song" / "accompaniment.wav", ACCOMPANIMENT)
    write(tmp_path / "stems" / "song" / "vocals.wav", VOCALS)
    for stem in ("accompaniment", "vocals"):
        found = separated(tmp_path / "stems", track, "song.mp3", stem)
        np.testing.assert_allclose(found["accompaniment"] + found["vocals"], MIX, atol=1e-3)


def test_names_that_are_no_text_are_matched_as_they_are_shown(tmp_path: Path, track: Path) -> None:
    write(tmp_path / "stems" / os.fsdecode(b"caf\xe9.wav"), ACCOMPANIMENT)
    assert "accompaniment" in separated(tmp_path / "stems", track, printable(b"caf\xe9.mp3"))


def test_accents_are_matched_however_they_are_written(tmp_path: Path, track: Path) -> None:
    write(tmp_path / "stems" / unicodedata.normalize("NFD", "café.wav"), ACCOMPANIMENT)
    assert "accompaniment" in separated(tmp_path / "stems", track, unicodedata.normalize("NFC", "café.mp3"))


def test_another_rate_and_mono_are_fitted_to_the_mix(tmp_path: Path, track: Path) -> None:
    write(tmp_path / "stems" / "song.wav", tones(1.5, 300, rate=22050, channels=1), 22050)
    found = separated(tmp_path / "stems", track, "song.mp3")
    np.testing.assert_allclose(found["accompaniment"], ACCOMPANIMENT, atol=2e-3)


@pytest.mark.parametrize("difference", [-0.15, 0.15])
def test_a_little_too_short_or_long_is_made_to_fit(tmp_path: Path, track: Path, difference: float) -> None:
    frames = len(MIX) + round(difference * RATE)
    write(tmp_path / "stems" / "song.wav", np.resize(ACCOMPANIMENT, (frames, 2)))
    found = separated(tmp_path / "stems", track, "song.mp3")["accompaniment"]
    assert len(found) == len(MIX)
    assert np.abs(found[min(frames, len(MIX)) :]).max(initial=0) == 0


@pytest.mark.parametrize("difference", [-LENGTH_TOLERANCE - 0.01, LENGTH_TOLERANCE + 0.01, 20.0, -1.4])
def test_another_length_is_reported(tmp_path: Path, track: Path, difference: float) -> None:
    write(tmp_path / "stems" / "song.wav", np.zeros((len(MIX) + round(difference * RATE), 2), dtype=np.float32))
    with pytest.raises(TrackError, match="longer" if difference > 0 else "shorter"):
        separated(tmp_path / "stems", track, "song.mp3")


def test_what_cannot_be_used_is_reported_by_track(tmp_path: Path, track: Path) -> None:
    folder = tmp_path / "stems"
    write(folder / "twice.wav", ACCOMPANIMENT)
    write(folder / "twice.flac", ACCOMPANIMENT)
    (folder / "broken.wav").write_bytes(b"RIFF....WAVEno audio")
    (folder / "link.wav").symlink_to(track)
    os.mkfifo(folder / "pipe.wav")
    for source, message in (
        ("none.mp3", "no separated file"),
        ("twice.mp3", "2 separated files"),
        ("broken.mp3", "cannot be read"),
        ("link.mp3", "no separated file"),
        ("pipe.mp3", "no separated file"),
    ):
        with pytest.raises(TrackError, match=message):
            separated(folder, track, source)


def test_a_folder_without_audio_is_reported(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(SeparationError, match=r"separation\.stems_folder"):
            StemFiles(folder, "vocals")
