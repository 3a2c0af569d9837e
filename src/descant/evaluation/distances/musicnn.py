"""musicnn (Pons & Serra, ISMIR 2019 late-breaking demo) in torch, up to the layer before its tags.

Layers and their order follow ``musicnn/models.py`` 0.1.0, the spectrogram ``musicnn/extractor.py``; the weights are
those of its model MSD_musicnn. Three things of the original are not repeated: there every window after the first
repeats the first one's features, a failed load is hidden, and a loud sound overflows 16-bit floats.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import librosa
import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor
from torch.nn import functional as F

import descant.compiled  # noqa: F401 - librosa's loops are kept by their types
from descant.errors import ModelFileError
from descant.evaluation.wheels import wheel_file
from descant.tensorflow_checkpoint import read_checkpoint

RATE, N_FFT, STEP, BANDS = 16000, 512, 256, 96
FRAMES = 187
MODEL = "MSD_musicnn"
# tf.layers.batch_normalization's default
EPSILON = 1e-3
# of the front end: two that look at timbre, three that look at time
FRONT_END = 5
CURE = "install the musicnn that envs/requirements-nodeps.txt names"


def patches(audio: npt.NDArray[np.float32], sample_rate: int) -> Tensor:
    """Log-mel patches of audio ``(samples,)``, one after another; a shorter rest is left out.

    Returns:
        float32 ``(patches, 187, 96)``.
    """
    resampled = np.asarray(soxr.resample(audio, sample_rate, RATE), dtype=np.float32)
    mel = librosa.feature.melspectrogram(y=resampled, sr=RATE, n_fft=N_FFT, hop_length=STEP, n_mels=BANDS)
    # what it was trained on was rounded to 16 bits; the logarithm of 10,000 times it does not fit there
    rounded = mel.T.astype(np.float16).astype(np.float32)
    levels = np.log10(10000 * rounded + 1).astype(np.float32)
    number = len(levels) // FRAMES
    return torch.from_numpy(levels[: number * FRAMES].reshape(number, FRAMES, BANDS))


class Musicnn:
    """The 200 numbers before the tags, as means over an excerpt's patches.

    Raises:
        ModelFileError: when the weights are not installed or cannot be read.
    """

    def __init__(self) -> None:
        folder = wheel_file("musicnn", MODEL)
        self._weights = _as_tensors(read_checkpoint(folder))
        digest = hashlib.sha256()
        for name in sorted(self._weights):
            digest.update(name.encode())
            digest.update(self._weights[name].numpy().tobytes())
        self.version = f"1 {digest.hexdigest()}"

    def embed(self, audio: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
        """Map audio ``(samples,)`` of at least 2.98 s to ``(200,)``."""
        return cast(npt.NDArray[np.float32], self.penultimate(patches(audio, sample_rate)).mean(dim=0).numpy())

    @torch.inference_mode()
    def penultimate(self, levels: Tensor) -> Tensor:
        """Map patches ``(batch, 187, 96)`` to ``(batch, 200)``."""
        levels = self._normalise(levels[:, None], 0)
        front = []
        for n in range(FRONT_END):
            # over all frequencies: the maximum
            front.append(self._normalise(self._convolve(levels, n), n + 1).amax(dim=3))
        features = torch.cat(front, dim=1).transpose(1, 2)
        middle = [features]
        for n in range(FRONT_END, FRONT_END + 3):
            found = self._normalise(self._convolve(middle[-1][:, None], n), n + 1)[..., 0].transpose(1, 2)
            middle.append(found if n == FRONT_END else found + middle[-1])
        features = torch.cat(middle, dim=2)
        # maximum and mean over time, interleaved
        pooled = torch.stack([features.amax(dim=1), features.mean(dim=1)], dim=2).flatten(1)
        dense = self._normalise(pooled, 9) @ self._weights["dense/kernel"] + self._weights["dense/bias"]
        return self._normalise(F.relu(dense), 10)

    def _normalise(self, values: Tensor, number: int) -> Tensor:
        """Batch normalisation over the second dimension, with the means of training."""
        name = _numbered("batch_normalization", number)
        scale = self._weights[f"{name}/gamma"] / torch.sqrt(self._weights[f"{name}/moving_variance"] + EPSILON)
        shift = self._weights[f"{name}/beta"] - self._weights[f"{name}/moving_mean"] * scale
        shape = (1, -1, *(1 for _ in values.shape[2:]))
        return values * scale.view(shape) + shift.view(shape)

    def _convolve(self, values: Tensor, number: int) -> Tensor:
        """Convolution over (time, frequency) that keeps the time, and ReLU."""
        name = _numbered("conv2d", number)
        kernel = self._weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        size = kernel.shape[2]
        padded = F.pad(values, (0, 0, (size - 1) // 2, size // 2))
        return F.relu(F.conv2d(padded, kernel, self._weights[f"{name}/bias"]))


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _as_tensors(read: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    """The weights of the layers that are used, without the optimiser's."""
    layers = [_numbered("conv2d", n) for n in range(FRONT_END + 3)]
    names = [f"{layer}/{part}" for layer in [*layers, "dense"] for part in ("kernel", "bias")]
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    names += [f"{_numbered('batch_normalization', n)}/{part}" for n in range(11) for part in parts]
    if missing := [name for name in names if name not in read]:
        raise ModelFileError(f"musicnn's checkpoint lacks {missing[0]}", CURE)
    # copied: the checkpoint's arrays are mapped and read-only
    return {name: torch.from_numpy(np.array(read[name])) for name in names}
