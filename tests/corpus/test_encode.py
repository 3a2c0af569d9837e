from pathlib import Path

import numpy as np
import pytest
import soxr
from recordings import tone, write

from descant.audio import mulaw
from descant.audio.clips import to_16_bit
from descant.config.corpus import Audio
from descant.corpus.encode import encode_shard
from descant.corpus.table import REJECTED, USED, Entry
from descant.recordings import open_recordings
from descant.sequences import Labels, open_sequence


def entry(track: str, status: str = USED) -> Entry:
    return Entry(
        track,
        f"title {track}",
        f"{track}.wav",
        1.0,
        44100,
        2,
        status,
        "",
        "",
        "",
        artist=f"artist {track}",
        genre="genre",
    )


def test_encoding_equals_doing_it_whole(tmp_path: Path) -> None:
    audio = tone(1.37, 44100, 2).astype(np.float32)
    write(tmp_path / "a.wav", audio, 44100, "FLOAT")
    write(tmp_path / "aside.flac", tone(1), 16000)
    entries = [entry("a"), entry("aside", REJECTED)]
    encoded = encode_shard(entries, tmp_path, tmp_path / "s", tmp_path / "w", Audio(sample_rate=16000))
    assert [one.status for one in encoded] == [USED, REJECTED]
    sequence = open_sequence(tmp_path / "s")
    waveform = soxr.resample(audio.mean(axis=1), 44100, 16000)
    expected = mulaw.encode(waveform)
    assert len(expected) % 64, "no multiple of any hop"
    [track] = sequence.tracks()
    assert (track.track, track.split, track.length) == ("a", "", len(expected))
    assert track.labels == Labels("title a", "artist a", "genre")
    np.testing.assert_array_equal(sequence.data, expected)
    assert (sequence.classes, sequence.hop, sequence.sample_rate) == (256, 1, 16000)
    recordings = open_recordings(tmp_path / "w")
    [recording] = recordings.tracks()
    assert (recording.track, recording.labels, recordings.sample_rate) == ("a", track.labels, 16000)
    np.testing.assert_array_equal(recordings.data, to_16_bit(waveform))


def test_an_empty_shard_gives_an_empty_sequence(tmp_path: Path) -> None:
    assert encode_shard([], tmp_path, tmp_path / "s", tmp_path / "w", Audio()) == ()
    assert open_sequence(tmp_path / "s").tracks() == open_recordings(tmp_path / "w").tracks() == []


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_length_follows_the_rate(tmp_path: Path, rate: int) -> None:
    write(tmp_path / "a.flac", tone(1, rate), rate)
    encode_shard([entry("a")], tmp_path, tmp_path / "s", tmp_path / "w", Audio(sample_rate=16000))
    assert len(open_sequence(tmp_path / "s").data) == len(open_recordings(tmp_path / "w").data) == 16000
