"""musicnn in torch against its layers written out in numpy, after musicnn/models.py."""

import numpy as np
import numpy.typing as npt
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from descant.audio.mel import mel_spectrogram
from descant.errors import ModelFileError
from descant.evaluation.distances import musicnn as module
from descant.evaluation.distances.kinds import MUSICNN
from descant.evaluation.distances.musicnn import FRAMES, RATE, Musicnn, patches
from descant.evaluation.wheels import wheel_file
from descant.tensorflow_checkpoint import read_checkpoint

Array = npt.NDArray[np.float64]


def sound(seconds: float, gain: float = 0.3) -> npt.NDArray[np.float32]:
    """A chord that swells, and some noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277.2, 329.6)) * np.minimum(1, time) / 3
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(time))
    return (gain * (chord + noise)).astype(np.float32)


def normalise(values: Array, weights: dict[str, Array], number: int) -> Array:
    """Batch normalisation over the last axis."""
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    mean, variance = weights[f"{name}/moving_mean"], weights[f"{name}/moving_variance"]
    return (values - mean) / np.sqrt(variance + 1e-3) * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def convolve(values: Array, weights: dict[str, Array], number: int, before: int, after: int) -> Array:
    """Cross-correlation of ``(time, frequency)`` padded in time, and ReLU: ``(time, frequency, filters)``."""
    name = f"conv2d_{number}" if number else "conv2d"
    kernel = weights[f"{name}/kernel"][:, :, 0]
    windows = sliding_window_view(np.pad(values, ((before, after), (0, 0))), kernel.shape[:2])
    return np.maximum(np.tensordot(windows, kernel, axes=2) + weights[f"{name}/bias"], 0)


def penultimate(patch: Array, weights: dict[str, Array]) -> Array:
    """The layer before the tags of one patch ``(187, 96)``."""
    patch = normalise(patch[..., None], weights, 0)[..., 0]
    # tf.pad by 3 for the two of kernel 7; padding 'same' for the others: an even kernel gets one more behind
    padding = [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
    front = [normalise(convolve(patch, weights, n, *padding[n]), weights, n + 1).max(axis=1) for n in range(5)]
    features = np.concatenate(front, axis=1)
    first = normalise(convolve(features, weights, 5, 3, 3), weights, 6)[:, 0]
    second = normalise(convolve(first, weights, 6, 3, 3), weights, 7)[:, 0] + first
    third = normalise(convolve(second, weights, 7, 3, 3), weights, 8)[:, 0] + second
    features = np.concatenate([features, first, second, third], axis=1)
    pooled = np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).reshape(-1)
    dense = normalise(pooled, weights, 9) @ weights["dense/kernel"] + weights["dense/bias"]
    return normalise(np.maximum(dense, 0), weights, 10)


def test_the_network_is_the_one_written_out_in_numpy() -> None:
    read = read_checkpoint(wheel_file("musicnn", "MSD_musicnn"))
    weights = {name: np.asarray(value, dtype=np.float64) for name, value in read.items()}
    levels = patches(sound(6), RATE)
    ours = Musicnn().penultimate(levels).numpy()
    theirs = np.stack([penultimate(patch, weights) for patch in levels.numpy().astype(np.float64)])
    assert ours.shape == (2, MUSICNN.dimensions) and np.std(theirs) > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    # the original gives every patch the first one's features
    assert np.abs(ours[0] - ours[1]).max() > 0.01


def test_patches_are_log_mel_levels() -> None:
    audio = sound(3)
    mel = mel_spectrogram(audio, RATE, 512, 256, 96).T[:FRAMES]
    np.testing.assert_allclose(patches(audio, RATE)[0].numpy(), np.log10(10000 * mel + 1), atol=2e-3)


@pytest.mark.parametrize("rate", [1411, 11025, 16000, 22050, 44100, 48000])
def test_the_shortest_excerpt_makes_one_patch_at_any_rate(rate: int) -> None:
    assert len(patches(np.zeros(round(MUSICNN.shortest * rate), np.float32), rate)) == 1
    assert not len(patches(np.zeros(round(0.99 * MUSICNN.shortest * rate), np.float32), rate))


def test_loud_sound_does_not_overflow_and_other_rates_are_resampled() -> None:
    network = Musicnn()
    assert np.isfinite(network.embed(np.sign(sound(3)), RATE)).all()
    high = np.repeat(sound(3), 2)
    assert network.embed(high, 2 * RATE).shape == (200,)


def test_another_checkpoint_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODEL", "MSD_vgg")
    with pytest.raises(ModelFileError, match="lacks"):
        Musicnn()
