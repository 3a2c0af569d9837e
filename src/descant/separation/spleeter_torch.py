"""Spleeter's separation in torch, patch by patch over a stream: the real one's result for the whole.

Spectrograms, masks and overlap-add follow ``spleeter/model/__init__.py`` of spleeter 2.4.2 with the settings of
``spleeter/resources/2stems.json``.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import torch
from torch import Tensor

from descant.audio.files import Block
from descant.separation.chunks import regroup
from descant.separation.separator import CHANNELS, RATE, Separated
from descant.separation.spleeter_network import load_networks
from descant.separation.spleeter_weights import MODEL_FOLDER
from descant.tensorflow_checkpoint import read_checkpoint

FRAME, STEP = 4096, 1024
PATCH_FRAMES, BINS = 512, 1024
PATCH = PATCH_FRAMES * STEP
# samples of a patch's last frame that lie behind the patch
OVERLAP = FRAME - STEP
MASK_EPSILON = 1e-10
# of squared Hann windows that overlap by three quarters
WINDOW_COMPENSATION = 2 / 3
Network: TypeAlias = Callable[[Tensor], Tensor]


class SpleeterTorch:
    """Spleeter's separation in torch.

    Args:
        networks: of each stem by its name: estimates its magnitudes ``(1, 2, 512, 1024)`` from those of the mix.
    """

    bandwidth = BINS / FRAME * RATE

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self._networks = dict(networks)
        self._window = torch.hann_window(FRAME)

    @classmethod
    def load(cls, weights: Path, threads: int) -> Self:
        """Load spleeter's 2stems model.

        Args:
            weights: folder with ``2stems`` in it.
            threads: of the CPU.

        Raises:
            ModelFileError: when the weights cannot be read.
            SeparationError: when they are another model's.
        """
        torch.set_num_threads(threads)
        return cls(load_networks(read_checkpoint(weights / MODEL_FOLDER)))

    @torch.inference_mode()
    def separate(self, blocks: Iterable[Block]) -> Iterator[Separated]:
        """Separate a stream; what comes out does not depend on the sizes of its blocks."""
        tails = {stem: torch.zeros(CHANNELS, OVERLAP) for stem in self._networks}
        for mix, start, stop in _patches(blocks):
            spectra = torch.stft(mix, FRAME, STEP, window=self._window, center=False, return_complex=True)
            stems = {}
            for stem, mask in self._masks(spectra.abs()[:, :BINS]).items():
                patch = _overlap_add(spectra[:, :BINS] * mask, self._window)
                patch[:, :OVERLAP] += tails[stem]
                tails[stem] = patch[:, PATCH:]
                stems[stem] = _interleaved(patch, start, stop)
            if stop > start:
                yield Separated(_interleaved(mix, start, stop), stems)

    def _masks(self, magnitudes: Tensor) -> dict[str, Tensor]:
        """Ratio masks from magnitudes, both ``(2, 1024, 512)``: channels, bins, frames."""
        patch = magnitudes.transpose(1, 2)[None]
        powers = {stem: network(patch)[0].transpose(1, 2).square() for stem, network in self._networks.items()}
        total = torch.stack(list(powers.values())).sum(dim=0) + MASK_EPSILON
        return {stem: (power + MASK_EPSILON / len(powers)) / total for stem, power in powers.items()}

    def close(self) -> None:
        """Forget the weights."""
        self._networks.clear()


def _patches(blocks: Iterable[Block]) -> Iterator[tuple[Tensor, int, int]]:
    """Patches ``(2, PATCH + OVERLAP)`` of a stream, and from where to where the stream's samples are in each.

    As in spleeter a frame of zeros comes before the stream, and the last patch is filled up with zeros.
    """
    before, after = (np.zeros((frames, CHANNELS), dtype=np.float32) for frames in (FRAME, 0))
    units = itertools.chain(regroup(itertools.chain([before], blocks), PATCH), [after])
    start = FRAME
    for unit, following in itertools.pairwise(units):
        patch = np.zeros((PATCH + OVERLAP, CHANNELS), dtype=np.float32)
        seen = np.concatenate([unit, following[:OVERLAP]])
        patch[: len(seen)] = seen
        yield torch.from_numpy(patch).T.contiguous(), start, len(unit)
        start = 0


def _overlap_add(spectra: Tensor, window: Tensor) -> Tensor:
    """Samples ``(2, PATCH + OVERLAP)`` of complex spectra ``(2, 1024, 512)``; bins that are not given are zero."""
    # irfft fills the missing bins with zeros
    frames = torch.fft.irfft(spectra.transpose(1, 2), n=FRAME) * (window * WINDOW_COMPENSATION)
    steps = torch.zeros(CHANNELS, PATCH_FRAMES + FRAME // STEP - 1, STEP)
    for n, part in enumerate(frames.split(STEP, dim=-1)):
        steps[:, n : n + PATCH_FRAMES] += part
    return steps.flatten(1)


def _interleaved(samples: Tensor, start: int, stop: int) -> Block:
    return samples[:, start:stop].T.numpy().copy()
