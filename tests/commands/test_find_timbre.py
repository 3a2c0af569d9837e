"""The command that finds the timbre of a recording: what it writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import mido
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch

from descant.commands.find_timbre import FoundTimbre, check_lengths, choose_parts, find_timbre
from descant.config.mel2mel import Mel2Mel
from descant.errors import DescantError, PlayError, ScoreError
from descant.modelfacts import Input, LabelFacts, ModelFacts
from descant.modelfile import ModelFile, write_model
from descant.results import read_json
from descant.scores.notes import Note
from descant.scores.roll import ROWS
from descant.systems.mel2mel import build_mel2mel

NAMES = ("Oboe", "Tuba")
RATE = 16000
MEL = {"bands": 20, "window": 512, "step": 128}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {"instrument": LabelFacts(names=NAMES, digest="d")}
    form: dict[str, Any] = {"classes": 0, "hop": 128, "sample_rate": RATE, "fingerprint": "f"}
    mel = Input(stream="mel", name="mel", channels=20, labels=labels, **form)
    inputs = mel, Input(stream="roll", name="roll", channels=ROWS, **form)
    section = Mel2Mel.model_validate({"width": 8, "training": {"steps": 1, "batch": 1, "window": 8}})
    torch.manual_seed(1)
    system = build_mel2mel(section, {one.stream: one for one in inputs})
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    facts = ModelFacts(kind="mel2mel", settings=section.model_dump(mode="json"), inputs=inputs, steps=1)
    write_model(path, ModelFile(facts, system.state_dict()))
    return path


def write_score(path: Path, pitch: int = 60, notes: int = 12, channel: int = 0) -> Path:
    """Notes of half a second."""
    track = mido.MidiTrack()
    for _ in range(notes):
        track.append(mido.Message("note_on", note=pitch, velocity=90, channel=channel))
        track.append(mido.Message("note_off", note=pitch, time=480, channel=channel))
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)
    return path


def tones(seconds: float = 6.0, rate: int = RATE) -> npt.NDArray[np.float64]:
    """A tone that is struck every half second and dies away."""
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(0.3 * np.sin(2 * np.pi * 261.6 * time) * np.exp(-6 * (time % 0.5)))


def found(
    folder: Path, model: Path, audio: npt.NDArray[np.float64], rate: int = RATE, suffix: str = "wav", **settings: Any
) -> FoundTimbre:
    recording, score = folder / f"a {{song}}'s.{suffix}", folder / "its.mid"
    if len(audio):
        soundfile.write(recording, audio, rate)
    if not score.exists():
        write_score(score)
    asked = {"recording": str(recording), "score": str(score), **settings}
    find_timbre(json.dumps(asked), json.dumps(MEL), model, folder / "out" / "timbre.json")
    return read_json(FoundTimbre, folder / "out" / "timbre.json")


def test_a_point_is_found_and_fits_no_worse_than_any_instrument(tmp_path: Path, model: Path) -> None:
    result = found(tmp_path, model, tones())
    assert len(result.point) == 2 and set(result.instruments) == set(NAMES) and result.nearest in NAMES
    assert result.loss <= min(result.instruments.values()) and result.loss_name == "tanh_log_abs"
    assert (result.recording_seconds, result.score_seconds, result.compared_seconds) == (6.0, 6.0, 4.0)
    assert abs(result.offset_seconds) <= 0.5
    assert not list((tmp_path / "out").glob(".listening-*"))
    assert found(tmp_path, model, tones()) == result


def test_the_level_the_rate_and_the_channels_of_a_file_matter_little(tmp_path: Path, model: Path) -> None:
    plain = found(tmp_path, model, tones(), offset=0)
    loud = np.stack([tones(rate=44100)] * 2, -1) / 4
    other = found(tmp_path, model, loud, 44100, "flac", offset=0)
    np.testing.assert_allclose(other.point, plain.point, atol=0.1)
    assert other.gain_db - plain.gain_db == pytest.approx(20 * np.log10(4), abs=0.3)


@pytest.mark.parametrize(
    ("audio", "said", "cure"),
    [
        (np.zeros(6 * RATE), "silent", "another recording"),
        (np.zeros(0), "cannot be opened", "another recording"),
        (tones(30), "is 30.0 s long and its.mid lasts 6.0 s", "cut one of them"),
        (tones(2.5), "is 2.5 s long and its.mid lasts 6.0 s", "cut one of them"),
        (np.append(np.zeros(round(6.2 * RATE)), tones(0.5)), "is silent where its.mid has notes", "of this recording"),
    ],
    ids=["silence", "no file", "too long", "too short", "silence where there are notes"],
)
def test_a_recording_that_cannot_be_used_is_refused(
    tmp_path: Path, model: Path, audio: npt.NDArray[np.float64], said: str, cure: str
) -> None:
    with pytest.raises(DescantError) as shown:
        found(tmp_path, model, audio, offset=0)
    assert said in shown.value.problem and cure in shown.value.cure


@pytest.mark.parametrize(("pitch", "channel", "said"), [(10, 0, "no note from 21"), (40, 9, "percussion only")])
def test_a_score_with_nothing_to_play_is_refused(
    tmp_path: Path, model: Path, pitch: int, channel: int, said: str
) -> None:
    write_score(tmp_path / "its.mid", pitch, channel=channel)
    with pytest.raises(ScoreError, match=said):
        found(tmp_path, model, tones())


@pytest.mark.parametrize("recorded", [8.0, 10.0, 12.5, 13.0])
def test_lengths_that_differ_as_performances_do_pass(recorded: float) -> None:
    check_lengths("a", recorded, "b", 10.0)


@pytest.mark.parametrize("recorded", [6.9, 13.1])
def test_other_lengths_do_not(recorded: float) -> None:
    with pytest.raises(PlayError, match=f"a is {recorded} s long and b lasts 10.0 s"):
        check_lengths("a", recorded, "b", 10.0)


def test_parts_with_notes_are_compared_spread_evenly() -> None:
    notes = [Note(1.0, 60, 4.5, 90), Note(20.0, 60, 20.5, 90), Note(30.0, 60, 33.0, 90)]
    # parts of 4 s at 10 frames a second: the first two, the sixth, and two more
    assert choose_parts(notes, 400, 40, 9, 10.0) == [0, 40, 200, 280, 320]
    assert choose_parts(notes, 400, 40, 2, 10.0) == [0, 200]
    assert choose_parts([Note(5.0, 60, 6.0, 90)], 39, 39, 2, 10.0) == [0]
