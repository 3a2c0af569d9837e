"""Excerpts by way of mel frames: frames cover them with a margin, and what is made of these is cut to them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.rendered import write_rendered
from descant.errors import SamplingError, SequenceError
from descant.evaluation.reconstruction import Stretch
from descant.evaluation.vocoded import MARGIN_FRAMES, codes_about, cut_sound, frames_of, read_vocoded
from descant.sequences import Labels, PackedSequence, SequenceWriter, Track, open_sequence

STEP = 16


def frames(folder: Path, count: int) -> PackedSequence:
    """A test track whose every frame is its own number."""
    with SequenceWriter(folder, 0, STEP, 1600, channels=1, dtype=np.float32) as writer:
        numbers = np.arange(count, dtype=np.float32)[:, None]
        writer.add("a", "test", Labels(), iter([numbers]))
    return open_sequence(folder)


def stretch(track: str, samples: int, start: int, length: int) -> Stretch:
    return Stretch(Track(track, 0, samples, "test", Labels()), start, length)


@given(st.integers(1, 60 * STEP), st.data())
def test_what_is_made_of_the_frames_is_cut_to_the_stretch(
    tmp_path_factory: pytest.TempPathFactory, samples: int, data: st.DataObject
) -> None:
    packed = frames(tmp_path_factory.mktemp("mel"), -(-samples // STEP))
    start = data.draw(st.integers(0, samples - 1))
    length = data.draw(st.integers(1, samples - start))
    one = stretch("a", samples, start, length)
    (found,) = frames_of([one], packed)
    # a vocoder that writes each frame's number throughout its step
    sound = cut_sound(np.repeat(found[:, 0], STEP), one, STEP)
    assert sound.tolist() == (np.arange(start, start + length) // STEP).tolist()


def test_beyond_a_track_its_first_and_last_frames_are_repeated(tmp_path: Path) -> None:
    (found,) = frames_of([stretch("a", 3 * STEP, 0, 3 * STEP)], frames(tmp_path, 3))
    assert found[:, 0].tolist() == [0] * MARGIN_FRAMES + [0, 1, 2] + [2] * (MARGIN_FRAMES + 1)


def test_stretches_of_one_length_have_as_many_frames(tmp_path: Path) -> None:
    packed = frames(tmp_path, 40)
    found = frames_of([stretch("a", 40 * STEP, start, 100) for start in (0, 7, 300, 540)], packed)
    assert len({len(one) for one in found}) == 1


def test_frames_of_other_tracks_are_refused(tmp_path: Path) -> None:
    packed = frames(tmp_path, 40)
    for track, samples in (("b", 40 * STEP), ("a", 50 * STEP)):
        with pytest.raises(SequenceError, match="not of the audio's test tracks"):
            frames_of([stretch(track, samples, 0, 100)], packed)


def test_what_was_made_is_read_back_and_other_excerpts_are_refused(tmp_path: Path) -> None:
    stretches = [stretch("a", 640, 0, 100)] * 2
    write_rendered(tmp_path, iter([np.full(100, 0.5, np.float32)] * 2), 2, 16000)
    made = read_vocoded(tmp_path, stretches)
    assert len(made) == 2 and np.all(made[1] == 0.5)
    with pytest.raises(SamplingError, match="does not hold"):
        read_vocoded(tmp_path, stretches[:1])
    assert read_vocoded(tmp_path / "nothing", []) == []


@given(samples=st.integers(1, 40 * STEP), reach=st.integers(0, 9), data=st.data())
def test_codes_about_a_stretch_are_all_that_it_depends_on(
    tmp_path_factory: pytest.TempPathFactory, samples: int, reach: int, data: st.DataObject
) -> None:
    packed = frames(tmp_path_factory.mktemp("codes"), -(-samples // STEP))
    start = data.draw(st.integers(0, samples - 1))
    length = data.draw(st.integers(1, samples - start))
    (track,) = packed.tracks()
    codes, place = codes_about(stretch("a", samples, start, length), packed, track, reach)
    numbers = codes[:, 0].astype(int)
    sound = np.repeat(numbers, STEP)[place : place + length]
    assert sound.tolist() == (np.arange(start, start + length) // STEP).tolist()
    # as far as there is a track
    assert numbers[0] == max(0, start // STEP - reach)
    assert numbers[-1] >= min(track.length - 1, (start + length - 1) // STEP + reach)
