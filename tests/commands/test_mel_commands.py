"""Spectrograms and rolls of a packed corpus: as many frames of both, by the order of its tracks."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from waveforms import record

from descant.audio.mel import log_mel
from descant.commands.mel import mel
from descant.commands.roll import roll
from descant.config.mel import Mel
from descant.corpus.notes import notes_table, write_notes
from descant.errors import CorpusError, SequenceError
from descant.recordings import read_recording
from descant.scores.notes import PERCUSSION, Note
from descant.sequences import Labels, open_checked

RATE = 16000
LENGTHS = {"a": 12_800, "b": 12_801, "c": 300}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    music = [(track, "train", 0.1 * random.standard_normal(length), Labels(track)) for track, length in LENGTHS.items()]
    record(tmp_path / "waveform", music, RATE)
    notes = [Note(0.0, 60, 0.4, 127), Note(0.2, 21, 0.6, 64), Note(0.2, 20, 0.6, 64), Note(0.0, 40, 0.1, 9, PERCUSSION)]
    write_notes([notes_table(track, notes) for track in LENGTHS], tmp_path / "notes.parquet")
    return tmp_path


def test_both_have_the_tracks_and_as_many_frames(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mel(json.dumps({}), corpus / "waveform", corpus / "mel")
    roll(corpus / "notes.parquet", corpus / "waveform", 128, corpus / "roll")
    recorded, bands, keys = (open_checked(corpus / name) for name in ("waveform", "mel", "roll"))
    assert (bands.classes, bands.channels, bands.hop, bands.sample_rate, bands.data.dtype) == (0, 80, 128, RATE, "<f2")
    assert (keys.classes, keys.channels, keys.hop, keys.sample_rate, keys.data.dtype) == (0, 176, 128, RATE, "<f2")
    for track, of_bands, of_keys in zip(recorded.tracks(), bands.tracks(), keys.tracks(), strict=True):
        assert of_bands == of_keys and (of_bands.track, of_bands.labels) == (track.track, track.labels)
        assert of_bands.length == -(-LENGTHS[track.track] // 128)
        expected = np.concatenate([*log_mel([read_recording(recorded, track)], RATE, Mel())])
        np.testing.assert_array_equal(bands.steps(of_bands), expected)
    first = keys.steps(keys.tracks()[0])
    assert first[0, 60 - 21] == 1 and (first[:50, 88 + 60 - 21] == 1).all() and first[25, 0] == np.float16(64 / 127)
    assert np.count_nonzero(first[:, :88]) == 2
    assert "6 notes, and 6 left out" in caplog.text


def test_recordings_have_no_rolls(corpus: Path) -> None:
    write_notes([notes_table("a", [Note(0.0, 60, 0.4, 127)])], corpus / "notes.parquet")
    with pytest.raises(CorpusError, match="track b has no notes") as shown:
        roll(corpus / "notes.parquet", corpus / "waveform", 128, corpus / "roll")
    assert "corpus.source" in shown.value.cure
    assert not (corpus / "roll" / "data.npy").exists()


def test_changed_recordings_are_refused(corpus: Path) -> None:
    with (corpus / "waveform" / "data.npy").open("r+b") as file:
        file.seek(-2, 2)
        file.write(b"\x01\x02")
    with pytest.raises(SequenceError, match="bytes have changed"):
        mel("{}", corpus / "waveform", corpus / "mel")
