"""How loud music gets, and that what is drawn gets no louder."""

from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio import mulaw
from descant.config.networks import LinearPrediction
from descant.modelfile import read_model
from descant.prediction.constants import DAMPING, LEVEL_STEPS
from descant.prediction.loudness import loudest_level
from descant.prediction.predictor import Predictor
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sequences import Labels, SequenceWriter, open_sequence
from descant.systems.restore import restore
from descant.systems.wavenet import WaveNetSystem

SHIPPED = Path(__file__).parents[2] / "pretrained" / "piano" / "large-on-audio" / "model.safetensors"
# the networks that ship learnt piano of about this level, and nearly all of it was quieter than that
MUSIC, LOUDEST = 10 ** (-18.7 / 20), 10 ** (-14.1 / 20)


def tone(level: float, length: int) -> np.ndarray:
    """Mu-law classes of a sine whose root mean square is this."""
    return mulaw.encode(np.sqrt(2) * level * np.sin(np.arange(length) * 2 * np.pi / 64))


def test_the_loudest_level_is_that_of_the_train_split_without_its_rarest(tmp_path: Path) -> None:
    pieces = {"a": (tone(0.05, 400 * LEVEL_STEPS), "train"), "b": (tone(0.4, 2 * LEVEL_STEPS), "train")}
    pieces["c"] = (tone(0.6, 300 * LEVEL_STEPS), "test")
    with SequenceWriter(tmp_path, 256, 1, 16000) as writer:
        for name, (classes, split) in pieces.items():
            writer.add(name, split, Labels(), [classes])
    # two of 402 stretches are louder: less than a hundredth
    assert loudest_level(open_sequence(tmp_path)) == pytest.approx(0.05, rel=0.02)


def test_silence_has_no_loudest_level(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path, 256, 1, 16000) as writer:
        writer.add("a", "train", Labels(), [np.full(3 * LEVEL_STEPS, 128)])
    assert loudest_level(open_sequence(tmp_path)) is None


@pytest.mark.parametrize("level", [0.09, 0.11])
def test_coefficients_are_damped_beyond_the_level_alone(level: float) -> None:
    settings = LinearPrediction(order=16, window=4096, every=128)
    plain, damped = Predictor(settings, 1), Predictor(settings, 1, 0.1)
    for predictor in (plain, damped):
        predictor.follow(tone(level, 4096)[None])
        predictor.begin_block()
    lags = np.arange(16, 0, -1)
    factors = DAMPING**lags if level > 0.1 else np.ones(16)
    np.testing.assert_allclose(damped.memory.coefficients[0], plain.memory.coefficients[0] * factors, rtol=1e-6)


def test_free_draws_of_the_networks_that_ship_stay_within_12_decibels_of_their_music() -> None:
    network = restore(read_model(SHIPPED), WaveNetSystem).network
    uniforms = torch.rand(5, 6 * 16000, generator=torch.Generator().manual_seed(7), dtype=torch.float64)

    def seconds(loudest: float | None) -> np.ndarray:
        engine = build_engine(network, 5, DrawSettings(loudest=loudest), EngineSettings())
        drawn = mulaw.SAMPLES[engine.generate(uniforms, None).numpy()].astype(np.float64)
        return 10 * np.log10((drawn.reshape(-1, 16000) ** 2).mean(axis=1) / MUSIC**2 + 1e-9)

    # without a limit they do blow up, which is what it is for
    assert seconds(None).max() > 12
    assert seconds(LOUDEST).max() < 12
