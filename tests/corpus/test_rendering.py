import math
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from music21 import note, stream

from descant.config.corpus import Scores
from descant.corpus.rendering import CHORD, fade_out, render
from descant.errors import ScoreError
from descant.scores.notes import PIANO

RATE = 22050
XYLOPHONE = 13


def score_file(folder: Path, *elements: note.GeneralNote) -> Path:
    part = stream.Part()
    part.append(list(elements))
    score = stream.Score()
    score.insert(0, part)
    return Path(score.write("musicxml", fp=folder / "score.musicxml"))


@pytest.mark.parametrize("pitch", [45, 57, 69, 76])
def test_pitch_and_tempo_are_those_of_the_score(tmp_path: Path, pitch: int) -> None:
    path = score_file(tmp_path, note.Rest(quarterLength=1), note.Note(pitch, quarterLength=2))
    render(path, 60, PIANO, Scores(seconds_per_piece=30), tmp_path / "a.flac")
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
    scores = Scores(seconds_per_piece=2)
    contents = []
    for n in range(2):
        rendering = render(path, 100, PIANO, scores, tmp_path / f"{n}.flac")
        contents.append((tmp_path / f"{n}.flac").read_bytes())
    assert contents[0] == contents[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.flac", "1.flac", "score.musicxml"]
    audio, _ = soundfile.read(tmp_path / "0.flac")
    assert len(audio) == 2 * RATE
    assert 0.65 < np.abs(audio).max() <= 0.7001
    assert audio[-1] == 0 and np.abs(audio[-220:]).max() <= np.abs(audio[-1000:-220]).max()
    # of notes every 0.3 s, seven begin before it stops
    assert len(rendering.notes) == 7 and rendering.remark == "the first 2 s of 5 s are rendered"


@pytest.mark.parametrize("rate", [16000, 44100])
def test_onsets_in_the_sound_are_those_of_the_notes(tmp_path: Path, rate: int) -> None:
    onsets = np.cumsum(np.random.default_rng(3).uniform(0.5, 1.3, 14))
    piano = pretty_midi.Instrument(program=PIANO)
    piano.notes = [pretty_midi.Note(100, 72, onset, onset + 0.2) for onset in onsets]
    score = pretty_midi.PrettyMIDI(resolution=9600)
    score.instruments.append(piano)
    score.write(str(path := tmp_path / "a.mid"))
    scores = Scores(seconds_per_piece=60, render_rate=rate)
    rendering = render(path, None, XYLOPHONE, scores, tmp_path / "a.flac")
    audio, found_rate = soundfile.read(tmp_path / "a.flac")
    assert found_rate == rate and len(rendering.notes) == 14
    window = rate // 500
    energy = np.sqrt(np.convolve(audio**2, np.ones(window) / window, mode="full"))[: len(audio)]
    assert [note.onset for note in rendering.notes] == pytest.approx(list(onsets), abs=1e-4)
    rises = []
    for sounded in rendering.notes:
        near = slice(round((sounded.onset - 0.05) * rate), round((sounded.onset + 0.1) * rate))
        louder = energy[near] > energy[near.start] + 0.02
        rises.append((near.start + int(louder.argmax())) / rate - sounded.onset)
    assert all(0 <= rise < 0.004 for rise in rises)


def levels(folder: Path, velocities: list[int], scores: Scores, program: int = PIANO) -> list[float]:
    """Peaks of one note a piece, struck with these velocities, each rendered by itself."""
    peaks = []
    for velocity in velocities:
        score = pretty_midi.PrettyMIDI()
        score.instruments.append(pretty_midi.Instrument(program=0))
        score.instruments[0].notes.append(pretty_midi.Note(velocity, 60, 0.0, 0.8))
        score.write(str(folder / "a.mid"))
        render(folder / "a.mid", None, program, scores, folder / "a.flac")
        peaks.append(float(np.abs(soundfile.read(folder / "a.flac")[0]).max()))
    return peaks


@pytest.mark.parametrize("program", [PIANO, XYLOPHONE, 48])
def test_by_program_a_velocity_is_as_loud_in_every_piece(tmp_path: Path, program: int) -> None:
    soft, loud, again = levels(tmp_path, [30, 120, 30], Scores(level="program"), program)
    assert soft == again and 3 * soft < loud < 0.7
    by_piece = levels(tmp_path, [30, 120], Scores(), program)
    assert by_piece == pytest.approx([0.7, 0.7], abs=1e-3)


def test_by_program_ten_keys_reach_full_scale_and_more_is_clipped_and_said(tmp_path: Path) -> None:
    score = pretty_midi.PrettyMIDI()
    score.instruments.append(pretty_midi.Instrument(program=0))
    score.instruments[0].notes = [pretty_midi.Note(127, pitch, 0.0, 2.0) for pitch in CHORD]
    score.write(str(tmp_path / "a.mid"))
    rendering = render(tmp_path / "a.mid", None, PIANO, Scores(level="program"), tmp_path / "a.flac")
    assert rendering.remark == ""
    assert np.abs(soundfile.read(tmp_path / "a.flac")[0]).max() == pytest.approx(1, abs=1e-3)
    score.instruments[0].notes += [pretty_midi.Note(127, pitch + 1, 0.0, 2.0) for pitch in CHORD]
    score.write(str(tmp_path / "b.mid"))
    rendering = render(tmp_path / "b.mid", None, PIANO, Scores(level="program"), tmp_path / "b.flac")
    assert rendering.remark.startswith("clipped: ") and "corpus.scores.level" in rendering.remark


def test_one_piece_has_one_name_whatever_plays_it(tmp_path: Path) -> None:
    path = score_file(tmp_path, *(note.Note(60 + n, quarterLength=0.5) for n in range(4)))
    scores = Scores(seconds_per_piece=3)
    piano, other = (render(path, tempo, program, scores, tmp_path / "a.flac") for tempo, program in ((60, 0), (90, 40)))
    assert piano.piece == other.piece and len(piano.piece) == 16
    assert {n.program for n in piano.notes} == {0} and {n.program for n in other.notes} == {40}
    longer = score_file(tmp_path, *(note.Note(60 + n, quarterLength=0.5) for n in range(5)))
    assert render(longer, 60, 0, scores, tmp_path / "a.flac").piece != piano.piece


def test_bad_scores_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.musicxml").write_text("<score-partwise><part")
    (tmp_path / "text.xyz").write_text("no score")
    (tmp_path / "text.mid").write_text("no score")
    rest = score_file(tmp_path, note.Rest(quarterLength=4))
    for path in (tmp_path / "bad.musicxml", tmp_path / "text.xyz", rest, tmp_path / "none.mid"):
        with pytest.raises(ScoreError, match="score"):
            render(path, 60, PIANO, Scores(seconds_per_piece=5), tmp_path / "a.flac")
    with pytest.raises(ScoreError, match="not a MIDI file"):
        render(tmp_path / "text.mid", None, None, Scores(), tmp_path / "a.flac")
    late = score_file(tmp_path, note.Rest(quarterLength=40), note.Note(60))
    with pytest.raises(ScoreError, match="its first note is at 40 s"):
        render(late, 60, PIANO, Scores(seconds_per_piece=5), tmp_path / "a.flac")
    assert not list(tmp_path.glob("*.raw")) and not (tmp_path / "a.flac").exists()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_fade_does_not_depend_on_blocks(lengths: list[int]) -> None:
    frames = sum(lengths)
    faded = np.concatenate(list(fade_out((np.ones(n, dtype=np.float32) for n in lengths), frames, 10_000)))
    assert faded[-1] == 0 and (np.diff(faded) <= 0).all()
    assert (faded[: max(0, frames - 101)] == 1).all()
