"""From frames to a waveform: closed forms, conservation of power, and joins that nobody hears."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from descant.layers.synthesis import (
    FOURIER_PARTS,
    TONE_LEVEL,
    FourierHead,
    Head,
    OscillatorHead,
    inverse_stft,
    overlap_add,
)

STEP, RATE, BANDS = 32, 8000, 20
NAMES = ["istft", "oscillators"]


def head_of(name: str) -> Head:
    torch.manual_seed(1)
    return (FourierHead if name == "istft" else OscillatorHead)(5, BANDS, STEP, RATE)


def oscillators() -> OscillatorHead:
    return OscillatorHead(5, BANDS, STEP, RATE)


def made(head: Head, hidden: Tensor, mel: float = -6.0, first: int = 3, seed: int = 1) -> Tensor:
    """The waveform of a track whose mel frames are all the same."""
    rows, frames = hidden.shape[:2]
    uniforms = torch.rand(rows, frames, head.uniforms, generator=torch.Generator().manual_seed(seed))
    waveform: Tensor = head(hidden, torch.full((rows, frames, BANDS), mel), torch.full((rows,), first), uniforms)
    return waveform


@given(frames=st.integers(1, 6), parts=st.sampled_from([2, 4, 6]), seed=st.integers(0, 99))
def test_frames_are_added_where_they_lie(frames: int, parts: int, seed: int) -> None:
    given = torch.randn(2, frames, parts * STEP, generator=torch.Generator().manual_seed(seed))
    whole = np.zeros((2, (frames + parts) * STEP), dtype=np.float32)
    for number in range(frames):
        whole[:, number * STEP : (number + parts) * STEP] += given[:, number].numpy()
    # a frame is centred on the first sample of its step
    begin = parts // 2 * STEP
    np.testing.assert_allclose(overlap_add(given, STEP), whole[:, begin : begin + frames * STEP], atol=1e-5)


@pytest.mark.parametrize("parts", [4, 8])
def test_the_inverse_transform_of_a_transform_is_the_waveform(parts: int) -> None:
    audio, width = np.random.default_rng(1).standard_normal(STEP * 40), parts * STEP
    # phases count from a window's beginning
    transform = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hann", width), STEP, RATE, phase_shift=None)
    spectra = torch.from_numpy(transform.stft(audio, p0=0, p1=40).T)[None]
    inner = slice((parts // 2 - 1) * STEP, -(parts // 2) * STEP)
    np.testing.assert_allclose(inverse_stft(spectra, STEP)[0].numpy()[inner], audio[inner], atol=1e-6)


@pytest.mark.parametrize(("number", "phase"), [(3, 0.0), (50, 0.0), (51, 1.2), (90, -0.5)])
@pytest.mark.parametrize("first", [0, 1_000_003])
def test_a_steady_bin_is_a_steady_sinusoid_at_its_centre(number: int, phase: float, first: int) -> None:
    head, frames = head_of("istft"), 24
    bins = head.outputs.out_features // 2
    outputs = torch.cat([torch.full((1, frames, bins), -30.0), torch.zeros(1, frames, bins)], dim=2)
    outputs[..., number], outputs[..., bins + number] = 3.0, phase
    waveform = head.waveform(outputs, torch.tensor([first]), torch.zeros(1, frames, 0))[0].numpy()
    width = FOURIER_PARTS * STEP
    times = first * STEP + np.arange(frames * STEP)
    # windows add up to 1/2 of their number, by which the inverse does not divide
    amplitude = math.exp(3.0) * 2 / width * (FOURIER_PARTS / 2) * 8 / (3 * FOURIER_PARTS)
    expected = amplitude * np.cos(2 * np.pi * number / width * times + phase)
    inner = slice(FOURIER_PARTS * STEP // 2, -FOURIER_PARTS * STEP // 2)
    np.testing.assert_allclose(waveform[inner], expected[inner], atol=1e-4 * amplitude)


@pytest.mark.parametrize(
    ("number", "amplitude", "phase"), [(0, 1.0, 0.0), (48, 0.3, 0.0), (200, 1.0, 1.2), (330, 0.5, 0)]
)
@pytest.mark.parametrize("first", [0, 1_000_003])
def test_steady_outputs_are_a_steady_sinusoid(number: int, amplitude: float, phase: float, first: int) -> None:
    head = oscillators()
    frames = 20
    amplitudes, phases = torch.zeros(2, 1, frames, head.oscillators)
    amplitudes[..., number], phases[..., number] = amplitude, phase
    waveform = overlap_add(head.tone_frames(amplitudes, phases, torch.tensor([first])), STEP)[0].numpy()
    hertz = 27.5 * 2 ** (number / 48)
    times = (first * STEP + np.arange(frames * STEP)) / RATE
    expected = amplitude * np.cos(2 * np.pi * (hertz * times + float(head.starts[number])) + phase)
    # the frame after the last would have held the end up
    inner = slice(0, -STEP)
    np.testing.assert_allclose(waveform[inner], expected[inner], atol=1e-4)


def test_oscillators_are_quarter_semitones_from_the_lowest_key_to_below_nyquist() -> None:
    head = oscillators()
    hertz = head.turns * RATE
    assert float(hertz[0]) == 27.5 and 0.96 * RATE / 2 < float(hertz[-1]) < RATE / 2
    torch.testing.assert_close(12 * torch.log2(hertz[1:] / hertz[:-1]), torch.full_like(hertz[1:], 0.25))


def test_noise_of_amplitude_one_is_white_noise_of_power_one() -> None:
    head = oscillators()
    uniforms = torch.rand(1, 4000, head.uniforms, generator=torch.Generator().manual_seed(1))
    waveform = overlap_add(head.noise_frames(torch.ones(1, 4000, STEP + 1), uniforms), STEP)[0].numpy()
    assert waveform[:-STEP].std() == pytest.approx(1, abs=0.02)
    _, spectrum = scipy.signal.welch(waveform, nperseg=64)
    np.testing.assert_allclose(spectrum[2:-2] * 0.5, 1, atol=0.1)
    halved = torch.ones(1, 4000, STEP + 1)
    halved[..., : STEP // 2] = 0
    _, spectrum = scipy.signal.welch(overlap_add(head.noise_frames(halved, uniforms), STEP)[0].numpy(), nperseg=64)
    assert spectrum[4:10].max() < 0.01 * spectrum[-10:-4].min()


@pytest.mark.parametrize("name", NAMES)
def test_reach_is_exact(name: str) -> None:
    head, middle = head_of(name), 9
    with torch.no_grad():
        head.outputs.weight.normal_()
    hidden = torch.randn(1, 19, 5, requires_grad=True)
    waveform = made(head, hidden)
    assert waveform.shape == (1, 19 * STEP)
    weights = torch.linspace(1, 2, STEP)
    (gradient,) = torch.autograd.grad((waveform[0, middle * STEP : (middle + 1) * STEP] * weights).sum(), hidden)
    seen = gradient[0].abs().amax(-1).nonzero().flatten().tolist()
    assert seen == list(range(middle - head.reach.left, middle + head.reach.right + 1))


@pytest.mark.parametrize("name", NAMES)
def test_before_anything_is_learnt_it_is_as_loud_as_its_mel(name: str) -> None:
    head, hidden = head_of(name), torch.randn(1, 30, 5)
    with torch.no_grad():
        soft, loud = made(head, hidden, -6.0), made(head, hidden, -6.0 + math.log(2))
    torch.testing.assert_close(loud, 2 * soft, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_finite_at_any_loudness(name: str) -> None:
    with torch.no_grad():
        assert bool(made(head_of(name), 1e4 * torch.randn(2, 30, 5), 100.0).isfinite().all())


@pytest.mark.parametrize("name", NAMES)
def test_in_bf16_the_phases_are_still_exact(name: str) -> None:
    head, hidden = head_of(name), torch.zeros(1, 20, 5)
    with torch.no_grad():
        # what bf16 rounds is then the same
        head.outputs.bias.zero_()
        exact = made(head, hidden, TONE_LEVEL, first=100_000)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = made(head, hidden, TONE_LEVEL, first=100_000)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, exact, rtol=0, atol=1e-6)
