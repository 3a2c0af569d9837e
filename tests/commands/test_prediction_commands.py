"""From audio to a trained network that predicts: the commands of every step, and what they leave."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from descant.audio import mulaw
from descant.commands.perturb import perturb
from descant.commands.predict import predict
from descant.commands.train import train
from descant.config.networks import LinearPrediction
from descant.errors import SequenceError
from descant.modelfile import read_model
from descant.prediction.predictor import predict_track
from descant.sequences import Labels, SequenceWriter, open_checked
from descant.systems.restore import restore
from descant.systems.wavenet import WaveNetSystem

PREDICTION = {"order": 16, "window": 64, "every": 32, "perturb": {"noisy": 1.0, "stretch": 100}}
SHAPE = {"stacks": 1, "layers_per_stack": 2, "residual_channels": 4, "gate_channels": 4, "skip_channels": 4}
TRAINING = {"steps": 4, "batch": 2, "window": 128, "log_every": 1, "validate_every": 2}


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    with SequenceWriter(tmp_path / "audio", 256, 1, 16000) as writer:
        for number, split in enumerate(("train", "validation", "test")):
            tone = mulaw.encode(0.3 * np.sin(np.arange(700 + number) / (5 + number)))
            writer.add(split, split, Labels(), [tone])
    return tmp_path / "audio"


def prepare(audio: Path) -> tuple[Path, Path]:
    past, predicted = audio.parent / "past", audio.parent / "predicted"
    perturb(json.dumps(PREDICTION["perturb"]), audio, past)
    predict(json.dumps(PREDICTION), past, predicted)
    return past, predicted


def test_only_what_is_learnt_from_is_perturbed_and_all_of_it_is_predicted(audio: Path) -> None:
    past, predicted = prepare(audio)
    clean, noisy, said = open_checked(audio), open_checked(past), open_checked(predicted)
    for before, after, prediction in zip(clean.tracks(), noisy.tracks(), said.tracks(), strict=True):
        same = np.array_equal(clean.steps(before), noisy.steps(after))
        assert same == (before.split != "train")
        expected = np.concatenate([*predict_track(noisy.steps(after), LinearPrediction.model_validate(PREDICTION))])
        np.testing.assert_array_equal(said.steps(prediction), expected)
    assert (said.classes, said.channels) == (0, 2)


@pytest.mark.parametrize("steps", [4, 0])
def test_a_network_is_trained_on_them(audio: Path, steps: int) -> None:
    past, predicted = prepare(audio)
    settings = {
        "wavenet": {**SHAPE, "linear_prediction": PREDICTION},
        "training": {**TRAINING, "steps": steps},
    }
    model, metrics = audio.parent / "model.safetensors", audio.parent / "metrics.csv"
    inputs = [f"steps={audio}", f"predicted={predicted}", f"past={past}"]
    train("wavenet", json.dumps(settings), inputs, model, metrics, audio.parent / "runs")
    system = restore(read_model(model), WaveNetSystem)
    # what nothing was learnt for is the predictor
    assert bool(system.wavenet.logits.weight.any()) == (steps > 0)
    figures = pd.read_csv(metrics)
    assert figures["step"].max() == steps and figures["value"].notna().all()


def test_a_stream_that_is_missing_is_named(audio: Path) -> None:
    settings = {"wavenet": {**SHAPE, "linear_prediction": PREDICTION}, "training": TRAINING}
    with pytest.raises(Exception, match="reads steps, predicted, past"):
        train("wavenet", json.dumps(settings), [f"steps={audio}"], audio / "model", audio / "metrics", audio / "runs")


def test_codes_are_refused(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path / "codes", 16, 8, 16000) as writer:
        writer.add("a", "train", Labels(), [np.zeros(100, np.uint8)])
    for command in (perturb, predict):
        with pytest.raises(SequenceError, match="has 16 classes, mu-law audio has 256"):
            command("{}", tmp_path / "codes", tmp_path / "out")
