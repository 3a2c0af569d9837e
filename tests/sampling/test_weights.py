"""Weights taken apart: a plain walk over the arrays says what the full forward pass says."""

from typing import Any

import numpy as np
import pytest
import torch
from engine_laws import conditioning_of, wavenet_of

from descant.sampling.weights import StepWeights, rounded_weights, step_weights

STEPS = 40


def walk(weights: StepWeights, steps: np.ndarray, conditioning: np.ndarray | None) -> np.ndarray:
    """Logits ``(time, classes)`` of one sequence, written from the docstring of StepWeights in numpy alone."""
    remembered: list[list[np.ndarray]] = [[] for _ in weights.dilations]
    logits = []
    for t in range(len(steps)):
        hidden = weights.start_bias.astype(np.float64)
        for tap in range(weights.start_kernel):
            s = t - (weights.start_kernel - 1 - tap)
            if s >= 0 and weights.position_tables is not None:
                hidden = hidden + weights.position_tables[tap][s % weights.hop]
            if s > 0:
                hidden = hidden + weights.start_tables[tap][steps[s - 1]]
        skip = weights.skip_bias.astype(np.float64)
        for layer, dilation in enumerate(weights.dilations):
            remembered[layer].append(hidden)
            activation = weights.convolution_bias[layer].astype(np.float64)
            if conditioning is not None:
                activation = activation + conditioning[t // weights.hop, layer]
            for tap in range(weights.kernel):
                s = t - (weights.kernel - 1 - tap) * dilation
                if s >= 0:
                    activation = activation + remembered[layer][s] @ weights.convolution[layer, tap]
            filter_half, gate_half = np.split(activation, 2)
            gated = np.tanh(filter_half) / (1 + np.exp(-gate_half))
            skip = skip + gated @ weights.skip[layer]
            if layer < len(weights.residual):
                hidden = hidden + gated @ weights.residual[layer] + weights.residual_bias[layer]
        head = np.maximum(skip, 0) @ weights.head + weights.head_bias
        logits.append(np.maximum(head, 0) @ weights.logits + weights.logits_bias)
    return np.stack(logits)


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"start_kernel": 1},
        {"start_kernel": 3, "kernel": 3, "hop": 4},
        {"input": "scalar", "hop": 2},
        {"stacks": 1, "layers_per_stack": 1, "residual_channels": 3, "gate_channels": 10},
    ],
)
def test_a_walk_over_the_arrays_is_the_full_pass(over: dict[str, Any]) -> None:
    wavenet = wavenet_of(**over)
    steps = torch.randint(wavenet.classes, (1, STEPS), generator=torch.Generator().manual_seed(2))
    held, by_layer = conditioning_of(wavenet, 1, STEPS)
    with torch.inference_mode():
        expected = wavenet(steps, held)[0].numpy()
    given = None if by_layer is None else by_layer[0].numpy()
    np.testing.assert_allclose(walk(step_weights(wavenet), steps[0].numpy(), given), expected, rtol=0, atol=2e-5)


def test_every_array_is_float32_and_the_multiplications_are_those_of_the_matrices() -> None:
    wavenet = wavenet_of(kernel=3, hop=4)
    weights = step_weights(wavenet)
    arrays = [value for value in vars(weights).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 13 and {array.dtype for array in arrays} == {np.dtype("float32")}
    layers = 6
    # 3 taps x 6 -> 8, then 4 -> 6 in all layers but the top one, 4 -> 7 in all, 7 -> 7, 7 -> 11
    assert wavenet.multiplications == layers * 3 * 6 * 8 + (layers - 1) * 4 * 6 + layers * 4 * 7 + 7 * 7 + 7 * 11


def test_rounding_touches_the_matrices_and_nothing_else() -> None:
    wavenet = wavenet_of(kernel=3, hop=4)
    exact, rounded = step_weights(wavenet), step_weights(rounded_weights(wavenet))
    matrices = ("convolution", "residual", "skip", "head", "logits")
    for name, before in vars(exact).items():
        after = getattr(rounded, name)
        if name in matrices:
            assert np.array_equal(after, torch.from_numpy(before).bfloat16().float().numpy())
            assert not np.array_equal(after, before)
        else:
            assert np.array_equal(after, before)
