"""Music out of the box: a piece that nobody trained on, played by the networks that ship."""

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import yaml
from pipeline import run

from descant.config.structure import Transcription
from descant.corpus.playable import playable
from descant.corpus.scores import BUILTIN, locate
from descant.evaluation.note_f1 import note_f1
from descant.evaluation.transcription.notes import Note
from descant.evaluation.transcription.transcriber import Transcriber

pytestmark = pytest.mark.slow
SECONDS = 8


def test_the_shipped_networks_play_the_notes_of_a_score(tmp_path: Path) -> None:
    over = tmp_path / "over.yaml"
    removed = {"composed": None, "chorale": None, "quartet": None, "aria": None}
    music = {"sonata": {"seconds": SECONDS}, **removed}
    over.write_text(yaml.safe_dump({"compositions": {"chorale": None}, "music": music}))
    run(tmp_path, "--cores", "1", "music", over=over)
    audio, rate = soundfile.read(tmp_path / "results" / "music" / "sonata.flac", dtype="float32")
    notes = playable(locate(BUILTIN, "cpebach/h186.mxl"), 54, SECONDS)
    reference = [Note(note.onset, note.end, note.pitch, 1.0) for note in notes]
    heard = Transcriber(Transcription()).transcribe(audio, rate)
    found = note_f1(reference, heard)
    a_semitone_up = note_f1([replace(note, pitch=note.pitch + 1) for note in reference], heard)
    assert found is not None and a_semitone_up is not None
    assert found > 0.3 and found > 3 * a_semitone_up
    assert (tmp_path / "results" / "report" / "music.html").read_text().count("<audio") == 1
