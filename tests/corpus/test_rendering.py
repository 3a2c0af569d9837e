import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from music21 import note, stream, tie

from descant.corpus.rendering import Note, fade_out, play, read_notes, render, resolve_unisons
from descant.errors import CorpusError

RATE = 22050


def score_file(folder: Path, *elements: note.GeneralNote) -> Path:
    part = stream.Part()
    part.append(list(elements))
    score = stream.Score()
    score.insert(0, part)
    return Path(score.write("musicxml", fp=folder / "score.musicxml"))


def test_zero_length_notes_are_dropped_and_ties_joined(tmp_path: Path) -> None:
    grace = note.Note("D5", quarterLength=0.5).getGrace()
    held, on = note.Note("A4", quarterLength=1), note.Note("A4", quarterLength=2)
    held.tie, on.tie = tie.Tie("start"), tie.Tie("stop")
    notes = read_notes(score_file(tmp_path, grace, held, on, note.Note("C4", quarterLength=1)), 60)
    assert [(n.pitch, n.onset, n.end) for n in notes] == [(69, 0.0, 3.0), (60, 3.0, 4.0)]


NOTES = st.lists(
    st.builds(
        lambda onset, pitch, length, velocity: Note(onset, pitch, onset + length, velocity),
        st.integers(0, 20), st.integers(60, 63), st.integers(0, 6), st.integers(1, 127),
    ),
    max_size=30,
)  # fmt: skip


@given(NOTES)
def test_one_key_does_one_thing_at_a_time(notes: list[Note]) -> None:
    resolved = resolve_unisons(notes)
    assert list(resolved) == sorted(resolved)
    assert all(n.end > n.onset for n in resolved)
    for pitch in range(60, 64):
        key = [n for n in resolved if n.pitch == pitch]
        assert all(a.end <= b.onset for a, b in itertools.pairwise(key))
        # every moment that was sounding still sounds
        for start in range(30):
            sounded = any(n.pitch == pitch and n.onset <= start < n.end for n in notes)
            covered = any(n.onset <= start < n.end for n in key)
            assert covered <= sounded


@pytest.mark.parametrize("pitch", [45, 57, 69, 76])
def test_pitch_and_tempo_are_those_of_the_score(tmp_path: Path, pitch: int) -> None:
    path = score_file(tmp_path, note.Rest(quarterLength=1), note.Note(pitch, quarterLength=2))
    render(path, 60, 30, RATE, tmp_path / "a.flac")
    audio, rate = soundfile.read(tmp_path / "a.flac")
    assert rate == RATE and len(audio) == math.ceil((3 + 1.5) * RATE)
    assert np.abs(audio[: int(0.99 * RATE)]).max() < 1e-3
    assert np.sqrt((audio[RATE : 2 * RATE] ** 2).mean()) > 0.03
    # the lowest strong partial is the key's pitch, within a fifth of a semitone
    spectrum = np.abs(np.fft.rfft(audio[RATE : 3 * RATE] * np.hanning(2 * RATE)))
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    near = slice(int(wanted * 2 * 0.9), int(wanted * 2 * 1.1))
    found = (near.start + int(spectrum[near].argmax())) / 2
    assert abs(12 * math.log2(found / wanted)) < 0.2
    assert spectrum[near].max() > 30 * spectrum[int(wanted * 2 * 0.55) : int(wanted * 2 * 0.85)].max()


def test_same_score_gives_the_same_bytes(tmp_path: Path) -> None:
    path = score_file(tmp_path, *(note.Note(60 + n, quarterLength=0.5) for n in range(12)))
    contents = []
    for n in range(2):
        render(path, 100, 2.0, RATE, tmp_path / f"{n}.flac")
        contents.append((tmp_path / f"{n}.flac").read_bytes())
    assert contents[0] == contents[1]
    audio, _ = soundfile.read(tmp_path / "0.flac")
    assert len(audio) == 2 * RATE
    assert 0.65 < np.abs(audio).max() <= 0.7001
    assert audio[-1] == 0 and np.abs(audio[-220:]).max() <= np.abs(audio[-1000:-220]).max()


def test_bad_scores_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.musicxml").write_text("<score-partwise><part")
    (tmp_path / "text.xyz").write_text("no score")
    rest = score_file(tmp_path, note.Rest(quarterLength=4))
    for path in (tmp_path / "bad.musicxml", tmp_path / "text.xyz", rest):
        with pytest.raises(CorpusError, match="score"):
            render(path, 60, 5, RATE, tmp_path / "a.flac")


def test_playing_is_bounded_even_when_a_note_never_ends() -> None:
    blocks = list(play([Note(0.0, 60, 1e9, 80)], RATE, 5000))
    assert sum(map(len, blocks)) == 5000


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_fade_does_not_depend_on_blocks(lengths: list[int]) -> None:
    frames = sum(lengths)
    faded = np.concatenate(list(fade_out((np.ones(n, dtype=np.float32) for n in lengths), frames, 10_000)))
    assert faded[-1] == 0 and (np.diff(faded) <= 0).all()
    assert (faded[: max(0, frames - 101)] == 1).all()
