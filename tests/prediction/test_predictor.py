"""Linear prediction: against an outside solver, and the laws of a stream that sampling computes again."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.audio import mulaw
from descant.config.networks import LinearPrediction
from descant.prediction.kernels import ABSOLUTE_NOISE, RELATIVE_NOISE
from descant.prediction.predictor import Predictor, analysis_window, predict_track

SMALL = LinearPrediction(order=16, window=96, every=24)


def noise(length: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Mu-law classes of coloured noise, which has something to predict."""
    white = np.random.default_rng(seed).normal(0, 0.1, length + 8)
    return mulaw.encode(np.convolve(white, np.hanning(10)[1:], mode="valid"))


def test_coefficients_solve_the_normal_equations() -> None:
    classes = noise(240)
    predictor = Predictor(SMALL, 1)
    predictor.follow(classes[None])
    predictor.begin_block()
    shaped = analysis_window(96) * mulaw.SAMPLES[classes[-96:]].astype(np.float64)
    correlation = np.array([shaped[lag:] @ shaped[: 96 - lag] for lag in range(17)])
    correlation[0] = correlation[0] * (1 + RELATIVE_NOISE) + ABSOLUTE_NOISE
    solved = scipy.linalg.solve_toeplitz(correlation[:16], correlation[1:])
    np.testing.assert_allclose(predictor.memory.coefficients[0, ::-1], solved, rtol=1e-4, atol=1e-5)


def test_decaying_partials_are_predicted() -> None:
    time = np.arange(8000) / 16000
    partials = [np.exp(-3 * time) * np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 440.0, 1380.0)]
    classes = mulaw.encode(0.3 * np.sum(partials, axis=0))
    predicted = Predictor(LinearPrediction(order=64, window=2048), 1).follow(classes[None])[0]
    samples = mulaw.SAMPLES[classes]
    errors = samples[4000:] - predicted[4000:, 0]
    # what is left is mu-law's own noise, of about 38 dB
    assert np.sqrt(np.mean(errors**2)) < 0.03 * np.sqrt(np.mean(samples[4000:] ** 2))


@settings(max_examples=20)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=6))
def test_parts_equal_the_whole_to_the_bit(sizes: list[int]) -> None:
    classes = np.stack([noise(sum(sizes), seed) for seed in (1, 2)])
    whole, parts = Predictor(SMALL, 2).follow(classes), Predictor(SMALL, 2)
    ends = np.cumsum(sizes)
    pieces = [parts.follow(classes[:, end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_steps_one_by_one_and_sequences_alone_equal_the_whole_to_the_bit() -> None:
    classes = np.stack([noise(150, seed) for seed in (1, 2)])
    whole, stepwise = Predictor(SMALL, 2).follow(classes), Predictor(SMALL, 2)
    for step in range(150):
        np.testing.assert_array_equal(stepwise.next(), whole[:, step])
        stepwise.learn(classes[:, step])
    np.testing.assert_array_equal(Predictor(SMALL, 1).follow(classes[1:])[0], whole[1])
    np.testing.assert_array_equal(np.concatenate([*predict_track(classes[0], SMALL)]), whole[0])


@settings(max_examples=30)
@given(st.integers(0, 149), st.integers(0, 255))
def test_a_prediction_depends_on_the_past_alone(changed: int, value: int) -> None:
    classes = noise(150)
    other = classes.copy()
    other[changed] = value
    before, after = (Predictor(SMALL, 1).follow(steps[None])[0] for steps in (classes, other))
    np.testing.assert_array_equal(before[: changed + 1], after[: changed + 1])


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param(np.full(3000, 128), id="silence"),
        pytest.param(np.full(3000, 200), id="constant"),
        pytest.param(np.full(3000, 255), id="full scale"),
        pytest.param(np.tile(np.repeat([0, 255], 40), 40), id="full-scale square"),
        pytest.param(np.where(np.arange(3000) == 1000, 255, 128), id="click"),
    ],
)
@pytest.mark.parametrize("settings_", [SMALL, LinearPrediction()], ids=["small", "default"])
def test_it_is_safe_on_extremes(classes: npt.NDArray[Any], settings_: LinearPrediction) -> None:
    predicted = Predictor(settings_, 1).follow(classes[None])[0]
    assert np.isfinite(predicted).all()
    assert (np.abs(predicted[:, 0]) <= 1).all() and (predicted[:, 1] > 0).all()


def test_a_state_goes_on_exactly_and_a_part_shares_its_memory() -> None:
    classes = np.stack([noise(200, seed) for seed in (3, 4)])
    first = Predictor(SMALL, 2)
    first.follow(classes[:, :100])
    state = first.state()
    expected = first.follow(classes[:, 100:])
    second = Predictor(SMALL, 2)
    second.load_state(state, 100)
    part = second.part(1, 2)
    np.testing.assert_array_equal(part.follow(classes[1:, 100:])[0], expected[1])
    np.testing.assert_array_equal(second.memory.last[1], first.memory.last[1])
