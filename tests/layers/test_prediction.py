"""The mixture around a prediction: a distribution, exact in its tails, and with fresh weights the predictor itself."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.audio import mulaw
from descant.config.networks import LinearPrediction
from descant.layers.prediction import FREE_WEIGHT, WEIGHTS, WIDTHS, PredictionMixture, cell_edges, log_cell
from descant.layers.wavenet import WaveNet
from descant.prediction.predictor import Predictor

SETTINGS = LinearPrediction(order=16, window=96, every=24)


def wavenet(**over: int) -> WaveNet:
    torch.manual_seed(0)
    shape = {"kernel": 2, "start_kernel": 2, "residual_channels": 6, "gate_channels": 8, "skip_channels": 7, **over}
    return WaveNet(256, (1, 2, 4), input_kind="embedding", linear_prediction=SETTINGS, **shape).eval()  # type: ignore[arg-type]


def learnt() -> WaveNet:
    """One whose mixture is far from the predictor's."""
    network = wavenet()
    assert network.prediction is not None
    with torch.no_grad():
        network.prediction.outputs.weight.normal_(0, 0.5)
        network.logits.weight.normal_(0, 0.5)
    return network


def tones(length: int) -> torch.Tensor:
    """Mu-law classes of two partials, ``(1, length)``."""
    time = np.arange(length)
    return torch.from_numpy(mulaw.encode(0.2 * np.sin(time / 9) + 0.1 * np.sin(time / 3.1)).astype(np.int64))[None]


def test_fresh_weights_are_the_predictor() -> None:
    steps = tones(600)
    bits = wavenet().bits(steps)[0].double().detach().numpy()
    predicted = Predictor(SETTINGS, 1).follow(steps.numpy())[0].astype(np.float64)
    edges = cell_edges().double().numpy()
    classes = steps[0].numpy()
    weights = np.array(WEIGHTS) / np.sum(WEIGHTS) * (1 - FREE_WEIGHT)
    likelihood = np.full(600, FREE_WEIGHT / 256)
    for weight, width in zip(weights, WIDTHS, strict=True):
        own = scipy.stats.logistic(predicted[:, 0], predicted[:, 1] * width)
        likelihood += weight * (own.cdf(edges[classes + 1]) - own.cdf(edges[classes]))
    assert np.abs(bits + np.log2(likelihood)).max() < 1e-3


def test_codes_learn_from_the_first_step() -> None:
    network = wavenet(conditioning_channels=3, hop=4)
    held = torch.randn(1, 150, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    # out of silence, where the past predicts nothing
    past = torch.full((1, 600), 128)
    network.bits(tones(600), held, past=past).mean().backward()
    assert held.grad is not None and held.grad.abs().max() > 1e-6
    fresh = wavenet()
    likelihoods = [net.bits(tones(600), given).detach() for net, given in ((network, held), (fresh, None))]
    assert abs(float((likelihoods[0] - likelihoods[1]).mean())) < 1e-2


@given(st.floats(-40, 40), st.floats(1e-3, 50))
def test_a_cell_is_the_integral_of_a_logistic_distribution(low: float, width: float) -> None:
    # beyond the middle its mirror image has the digits that the distribution function loses near 1
    start, stop = (low, low + width) if low + width / 2 < 0 else (-low - width, -low)
    exact = np.log(scipy.stats.logistic.cdf(stop) - scipy.stats.logistic.cdf(start))
    numbers = (torch.tensor(value, dtype=torch.float64) for value in (low, low + width, width))
    assert log_cell(*numbers).item() == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_probabilities_of_all_classes_sum_to_one_and_hold_the_likelihood() -> None:
    network, steps = learnt(), torch.randint(256, (2, 200), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        log_probabilities = network(steps)
        bits = network.bits(steps)
    torch.testing.assert_close(log_probabilities.exp().sum(-1), torch.ones(2, 200), rtol=0, atol=1e-5)
    own = log_probabilities.gather(-1, steps[..., None])[..., 0]
    torch.testing.assert_close(-own / np.log(2), bits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changed", [0, 37, 98])
def test_a_changed_step_changes_only_what_comes_after(changed: int) -> None:
    network, steps = learnt(), tones(100)
    other = steps.clone()
    other[0, changed] = 7
    with torch.no_grad():
        before, after = network(steps)[0], network(other)[0]
    torch.testing.assert_close(before[: changed + 1], after[: changed + 1], rtol=0, atol=1e-5)
    assert not torch.allclose(before[changed + 1 :], after[changed + 1 :], atol=1e-3)


def test_gradients_reach_no_later_step() -> None:
    network, steps = learnt(), tones(60)
    hidden = network.embedding(steps).detach().requires_grad_()
    network.embedding.forward = lambda _: hidden  # type: ignore[method-assign]
    network.bits(steps)[0, 30].backward()
    assert hidden.grad is not None
    assert hidden.grad[0, 30:].abs().max() == 0 and hidden.grad[0, 29].abs().max() > 0


@pytest.mark.parametrize("value", [0, 128, 255])
def test_gradients_are_finite_on_extremes(value: int) -> None:
    network = learnt()
    steps = torch.full((1, 400), value)
    steps[0, 200] = 255 - value
    network.bits(steps).mean().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in network.parameters())


def test_widening_raises_a_scale_out_of_silence() -> None:
    mixture = PredictionMixture(SETTINGS, 4, 4)
    outputs = torch.zeros(1, 1, 13)
    outputs[..., -4:] = 9.0
    silence = torch.tensor([[[0.0, 2e-5]]])
    spread = mixture.log_probabilities(torch.zeros(1, 1, 256), outputs, silence).exp()[0, 0]
    assert spread[:64].sum() > 0.1 and spread[192:].sum() > 0.1
