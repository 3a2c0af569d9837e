"""From frames to a waveform: closed forms, conservation of power, and joins that nobody hears."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from descant.layers.synthesis import FourierHead, Head, OscillatorHead, inverse_stft, overlap_add

STEP, RATE = 32, 8000


def heads() -> dict[str, Head]:
    torch.manual_seed(1)
    return {"istft": FourierHead(5, STEP), "oscillators": OscillatorHead(5, STEP, RATE)}


def louder(head: Head) -> Head:
    with torch.no_grad():
        head.outputs.weight.normal_()
    return head


@given(frames=st.integers(1, 6), parts=st.sampled_from([2, 4, 6]), seed=st.integers(0, 99))
def test_frames_are_added_where_they_lie(frames: int, parts: int, seed: int) -> None:
    given = torch.randn(2, frames, parts * STEP, generator=torch.Generator().manual_seed(seed))
    whole = np.zeros((2, (frames + parts) * STEP), dtype=np.float32)
    for number in range(frames):
        whole[:, number * STEP : (number + parts) * STEP] += given[:, number].numpy()
    # a frame is centred on the first sample of its step
    begin = parts // 2 * STEP
    np.testing.assert_allclose(overlap_add(given, STEP), whole[:, begin : begin + frames * STEP], atol=1e-5)


def test_the_inverse_transform_of_a_transform_is_the_waveform() -> None:
    audio = np.random.default_rng(1).standard_normal(STEP * 40)
    _, _, spectra = scipy.signal.stft(audio, window="hann", nperseg=4 * STEP, noverlap=3 * STEP, boundary="zeros")
    # scipy divides by the sum of the window
    given = torch.from_numpy(spectra.T * 2 * STEP)[None, :40]
    inner = slice(STEP, -2 * STEP)
    np.testing.assert_allclose(inverse_stft(given, STEP)[0].numpy()[inner], audio[inner], atol=1e-6)


@pytest.mark.parametrize(
    ("number", "amplitude", "phase"), [(0, 1.0, 0.0), (48, 0.3, 0.0), (200, 1.0, 1.2), (330, 0.5, 0)]
)
@pytest.mark.parametrize("first", [0, 1_000_003])
def test_steady_outputs_are_a_steady_sinusoid(number: int, amplitude: float, phase: float, first: int) -> None:
    head = heads()["oscillators"]
    assert isinstance(head, OscillatorHead)
    frames = 20
    amplitudes, phases = torch.zeros(2, 1, frames, head.oscillators)
    amplitudes[..., number], phases[..., number] = amplitude, phase
    made = overlap_add(head.tone_frames(amplitudes, phases, torch.tensor([first])), STEP)[0].numpy()
    hertz = 27.5 * 2 ** (number / 48)
    times = (first * STEP + np.arange(frames * STEP)) / RATE
    expected = amplitude * np.cos(2 * np.pi * (hertz * times + float(head.begin[number])) + phase)
    # the frame after the last would have held the end up
    inner = slice(0, -STEP)
    np.testing.assert_allclose(made[inner], expected[inner], atol=1e-4)


def test_oscillators_are_quarter_semitones_from_the_lowest_key_to_below_nyquist() -> None:
    head = heads()["oscillators"]
    assert isinstance(head, OscillatorHead)
    hertz = head.turns * RATE
    assert float(hertz[0]) == 27.5 and 0.96 * RATE / 2 < float(hertz[-1]) < RATE / 2
    torch.testing.assert_close(12 * torch.log2(hertz[1:] / hertz[:-1]), torch.full_like(hertz[1:], 0.25))


def test_noise_of_amplitude_one_is_white_noise_of_power_one() -> None:
    head = heads()["oscillators"]
    assert isinstance(head, OscillatorHead)
    uniforms = torch.rand(1, 4000, head.uniforms, generator=torch.Generator().manual_seed(1))
    made = overlap_add(head.noise_frames(torch.ones(1, 4000, STEP + 1), uniforms), STEP)[0].numpy()
    assert made[:-STEP].std() == pytest.approx(1, abs=0.02)
    _, spectrum = scipy.signal.welch(made, nperseg=64)
    np.testing.assert_allclose(spectrum[2:-2] * 0.5, 1, atol=0.1)
    halved = torch.ones(1, 4000, STEP + 1)
    halved[..., : STEP // 2] = 0
    _, spectrum = scipy.signal.welch(overlap_add(head.noise_frames(halved, uniforms), STEP)[0].numpy(), nperseg=64)
    assert spectrum[4:10].max() < 0.01 * spectrum[-10:-4].min()


@pytest.mark.parametrize("name", ["istft", "oscillators"])
def test_reach_is_exact(name: str) -> None:
    head, middle = louder(heads()[name]), 6
    hidden, uniforms = torch.randn(1, 13, 5, requires_grad=True), torch.rand(1, 13, head.uniforms)
    made = head(hidden, torch.tensor([3]), uniforms)
    assert made.shape == (1, 13 * STEP)
    weights = torch.linspace(1, 2, STEP)
    (gradient,) = torch.autograd.grad((made[0, middle * STEP : (middle + 1) * STEP] * weights).sum(), hidden)
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    assert seen == list(range(middle - head.reach.left, middle + head.reach.right + 1))


@pytest.mark.parametrize("name", ["istft", "oscillators"])
def test_fresh_heads_are_quiet_and_finite_at_any_loudness(name: str) -> None:
    head = heads()[name]

    def made(hidden: Tensor) -> Tensor:
        return head(hidden, torch.tensor([0, 5]), torch.rand(2, 30, head.uniforms))

    with torch.no_grad():
        assert float(made(torch.randn(2, 30, 5)).std()) < 0.2
        assert bool(made(1e4 * torch.randn(2, 30, 5)).isfinite().all())


def test_in_bf16_the_phases_are_still_exact() -> None:
    head = heads()["oscillators"]
    with torch.no_grad():
        head.outputs.weight.zero_()
        head.outputs.bias[: math.ceil(head.outputs.out_features / 3)] = -2.0
        given = torch.zeros(1, 20, 5), torch.tensor([100_000]), torch.zeros(1, 20, head.uniforms)
        exact = head(*given)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = head(*given)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, exact, rtol=0, atol=0.02 * float(exact.abs().max()))
