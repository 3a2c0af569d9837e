"""The transcriber finds the notes of a piano; noise and silence have few or none; MIDI files have fixed bytes."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import mir_eval
import numpy as np
import pandas as pd
import pretty_midi
import pytest
from known_sounds import RATE, noise, tones

from descant.config.structure import Transcription
from descant.evaluation.material import Excerpt
from descant.evaluation.transcription.excerpts import transcribe_excerpts
from descant.evaluation.transcription.midi import midi_bytes
from descant.evaluation.transcription.notes import Note
from descant.evaluation.transcription.transcriber import Transcriber

STRING_ENSEMBLE = 48
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def f_measure(reference: list[Note], found: list[Note]) -> float:
    """Onset F-measure of mir_eval: 50 ms, half a semitone, ends disregarded."""
    first, second = (np.array([(n.start, n.end) for n in notes]) for notes in (reference, found))
    pitches = [440 * 2 ** ((np.array([n.pitch for n in notes]) - 69) / 12) for notes in (reference, found)]
    scored = mir_eval.transcription.precision_recall_f1_overlap(
        first, pitches[0], second, pitches[1], offset_ratio=None
    )
    return float(scored[2])


def test_a_scale_is_found() -> None:
    found = Transcriber(Transcription()).transcribe(tones(SCALE, 4.0), RATE)
    reference = [Note(0.5 * place, 0.5 * place + 0.4, pitch, 1.0) for place, pitch in enumerate(SCALE)]
    assert f_measure(reference, found) > 0.7
    assert found == sorted(found, key=lambda note: (note.start, note.pitch))
    assert all(0 <= note.start < note.end <= 4.0 and 0 <= note.strength <= 1 for note in found)


def test_times_do_not_drift_over_windows() -> None:
    # 40 notes in 20 s: 13 windows
    pitches = [60 + 2 * (place % 5) for place in range(40)]
    found = Transcriber(Transcription()).transcribe(tones(pitches, 20.0), RATE)
    late = [note.start for note in found if note.start > 15]
    assert len(late) > 5
    assert np.median([abs(start - round(2 * start) / 2) for start in late]) < 0.02


def test_it_is_the_same_twice_and_noise_has_few_notes() -> None:
    transcriber = Transcriber(Transcription())
    hiss = noise(1, 4.0)
    assert transcriber.transcribe(hiss, RATE) == transcriber.transcribe(hiss, RATE)
    assert len(transcriber.transcribe(hiss, RATE)) <= 4


def test_it_is_quiet_and_leaves_logging_as_it_was(tmp_path: Path) -> None:
    program = "from descant.evaluation.transcription.transcriber import Transcriber\n"
    program += "from descant.config.structure import Transcription\nTranscriber(Transcription())\n"
    program += "import logging; logging.warning('heard')\n"
    shown = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stderr.strip() == "WARNING:root:heard" and not shown.stdout
    assert not list(tmp_path.iterdir())
    assert logging.root.manager.disable == 0


def test_midi_has_fixed_bytes_and_holds_the_notes() -> None:
    notes = [Note(0.0, 0.5, 60, 0.5), Note(0.25, 1.0, 67, 1.0), Note(0.5, 0.75, 60, 0.0)]
    content = midi_bytes(notes)
    assert content == midi_bytes(notes)
    (piano,) = pretty_midi.PrettyMIDI(io.BytesIO(content)).instruments
    read = sorted((note.start, note.end, note.pitch, note.velocity) for note in piano.notes)
    assert [(pitch, velocity) for _, _, pitch, velocity in read] == [(60, 64), (67, 127), (60, 1)]
    assert [start for start, *_ in read] == pytest.approx([0.0, 0.25, 0.5], abs=2e-3)
    assert pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes([]))).get_end_time() == 0


def test_excerpts_become_rows_and_files(tmp_path: Path) -> None:
    music, silence = tones(SCALE, 4.0), np.zeros(4 * RATE, np.float32)
    excerpts = [
        ("real", Excerpt("a", 0.0, music)),
        ("shuffled", Excerpt("a", 0.0, music[::-1].copy())),
        ("noise", Excerpt("a", 0.0, noise(1, 4.0))),
        ("real", Excerpt("b", 4.0, silence)),
    ]
    transcribe_excerpts(excerpts, RATE, Transcription(), 1, 1, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00.mid", "01.mid", "measures.csv", "notes.csv"]
    rows = pd.read_csv(tmp_path / "measures.csv")
    assert list(rows["condition"]) == ["real", "shuffled", "noise", "real"]
    assert (
        rows.loc[0, "notes_per_second"] >= 2
        and rows.loc[0, "scale_consistency"] > rows.loc[0, "scale_consistency_random"]
    )
    assert rows.loc[3, "notes_per_second"] == 0 and np.isnan(rows.loc[3, "polyphony"])
    notes = pd.read_csv(tmp_path / "notes.csv")
    assert set(notes["file"]) == {"00.mid"} and len(notes) == 4 * rows.loc[0, "notes_per_second"]


def test_short_excerpts_abstain(tmp_path: Path) -> None:
    transcribe_excerpts([("drawn", Excerpt("0", 0.0, noise(1, 1.9)))], RATE, Transcription(), 1, 1, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["measures.csv", "notes.csv"]
    assert pd.read_csv(tmp_path / "measures.csv").drop(columns=["condition", "group", "start"]).isna().all(axis=None)


@pytest.mark.slow
def test_a_rendered_piano_piece_is_found_and_strings_far_less() -> None:
    from descant.corpus.rendering import read_score
    from descant.corpus.scores import locate
    from descant.scores.notes import PIANO, on_one_program
    from descant.scores.soundfont import soundfont_file
    from descant.scores.synthesis import play

    score, found = locate("builtin", "bach/bwv66.6.mxl"), []
    played = [note for note in read_score(score, 96) if note.onset < 15]
    reference = [Note(note.onset, note.end, note.pitch, 1.0) for note in played]
    for program in (PIANO, STRING_ENSEMBLE):
        blocks = play(on_one_program(played, program), soundfont_file(None), RATE, 16 * RATE)
        audio = np.concatenate([block.mean(1) for block in blocks])
        notes = Transcriber(Transcription()).transcribe(0.5 * audio / np.abs(audio).max(), RATE)
        found.append(f_measure(reference, notes))
    assert found[0] > 0.7 and found[1] < found[0] - 0.2, found
