"""The network as it is run here, against basic-pitch's own code."""

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.evaluation.basic_pitch import NETWORK, RATE, NoteNetwork
from descant.evaluation.wheels import wheel_file


def test_activations_are_what_basic_pitchs_own_code_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # it warns of frameworks that are not needed
    monkeypatch.setattr(logging.root, "disabled", True)
    from basic_pitch import inference

    # two windows and a part of one
    time = np.arange(round(4.6 * RATE)) / RATE
    audio = (0.2 * np.sign(np.sin(2 * np.pi * np.where(time < 1.5, 262, 392) * time))).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
    theirs = inference.run_inference(tmp_path / "a.wav", inference.Model(wheel_file("basic_pitch", NETWORK)))
    ours = NoteNetwork(1).activations(audio)
    # it counts 86 frames a second, which is a little less than there are
    frames = len(theirs["note"])
    assert 0 <= len(ours.times) - frames <= 4 and ours.times[-1] < 4.6
    np.testing.assert_allclose(ours.notes[:frames], theirs["note"], atol=1e-5)
    np.testing.assert_allclose(ours.onsets[:frames], theirs["onset"], atol=1e-5)
