"""Recordings are read as they were packed, and nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pytest
from waveforms import record

from descant.audio.clips import from_16_bit, to_16_bit
from descant.errors import SequenceError
from descant.recordings import open_recordings, read_recording
from descant.sequences import Labels, SequenceWriter


def test_a_part_of_a_track_is_what_was_packed(tmp_path: Path) -> None:
    audio = [np.random.default_rng(number).uniform(-1, 1, 50 + number) for number in range(3)]
    packed = record(tmp_path, [(f"{n}", "test", part, Labels()) for n, part in enumerate(audio)], 8000)
    for track, part in zip(packed.tracks(), audio, strict=True):
        expected = from_16_bit(to_16_bit(part))
        np.testing.assert_array_equal(read_recording(packed, track), expected)
        np.testing.assert_array_equal(read_recording(packed, track, 10, 20), expected[10:20])
        assert len(read_recording(packed, track, 40, 99)) == len(part) - 40


def test_codes_are_no_recordings(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path, 256, hop=1, sample_rate=8000) as writer:
        writer.add("a", "test", Labels(), iter([np.zeros(8, np.uint8)]))
    with pytest.raises(SequenceError, match="no 16-bit samples"):
        open_recordings(tmp_path)
