"""Mel2Mel: a score and a point in a space of timbres to a mel spectrogram (Kim, Bittner, Kumar & Bello 2019)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.config.mel import MEL, ROLL
from descant.config.mel2mel import Loss, Mel2Mel
from descant.layers.film import PointEmbedding
from descant.layers.mel2mel import Mel2MelNetwork
from descant.modelfacts import Input
from descant.sequences import INSTRUMENT
from descant.systems.base import Batch, StepLoss, System

# what a loss compares, made from logarithms of magnitudes
SCALES: Mapping[Loss, Callable[[Tensor], Tensor]] = {
    "tanh_log_abs": lambda logarithms: torch.tanh(logarithms / 4),
    "log_abs": lambda logarithms: logarithms,
    "abs": torch.exp,
}


# of a score that is played in blocks, and what a block sees of its neighbours: half a minute, and 4 s (ours)
BLOCK_FRAMES, MARGIN_FRAMES = 4096, 512


def squared_error(loss: Loss, predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared error of two log-mel spectrograms of one shape, on the scale of a loss."""
    scale = SCALES[loss]
    return F.mse_loss(scale(predicted.float()), scale(true))


class Mel2MelSystem(System):
    """A space of timbres, with a point for each instrument, and the network that plays a score with any point of it.

    Args:
        settings: its section of the configuration.
        bands: of the spectrogram.
        keys: half of the roll's rows: those that are struck come first, those that are held after.
        instruments: how many are known by name.
    """

    def __init__(self, settings: Mel2Mel, bands: int, keys: int, instruments: int) -> None:
        super().__init__()
        self.headline: Loss = settings.loss
        self.rows = {
            "onsets_and_frames": slice(0, 2 * keys),
            "onsets": slice(0, keys),
            "frames": slice(keys, 2 * keys),
        }[settings.inputs]
        # where no track is of a named instrument, all of them are of one
        self.timbres = PointEmbedding(max(1, instruments), settings.embedding)
        self.network = Mel2MelNetwork(settings, self.rows.stop - self.rows.start, bands)

    def play(self, rolls: Tensor, timbres: Tensor) -> Tensor:
        """Log-mel spectrograms of scores.

        Args:
            rolls: ``(batch, time, 2 * keys)``.
            timbres: any points of the space, ``(batch, embedding)``, or one for each frame,
                ``(batch, time, embedding)``; ``timbres(ids)`` are those of instruments.

        Returns:
            ``(batch, time, bands)``.
        """
        out: Tensor = self.network(rolls[..., self.rows], timbres)
        return out

    @torch.inference_mode()
    def perform(
        self, rolls: npt.NDArray[Any], timbres: Callable[[int, int], Tensor]
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Play a whole score, block by block, in memory that does not grow with its length.

        A block is read with ``MARGIN_FRAMES`` of what lies before and after it; a network that reads forward goes on
        from its state instead. A score of a single block is played as a whole.

        Args:
            rolls: ``(frames, 2 * keys)``, mapped or in memory.
            timbres: points float32 ``(stop - start, embedding)`` of frames ``start … stop - 1``.

        Yields:
            float32 ``(frames, bands)``, together as long as the roll.
        """
        device = self.timbres.table.weight.device
        if not self.network.lstm.bidirectional:
            yield from self._perform_forward(rolls, timbres)
            return
        for start in range(0, len(rolls), BLOCK_FRAMES):
            stop = min(len(rolls), start + BLOCK_FRAMES)
            left, right = max(0, start - MARGIN_FRAMES), min(len(rolls), stop + MARGIN_FRAMES)
            part = torch.from_numpy(np.asarray(rolls[left:right], dtype=np.float32))[None].to(device)
            played = self.play(part, timbres(left, right)[None].to(device))
            yield played[0, start - left : stop - left].cpu().numpy()

    def _perform_forward(
        self, rolls: npt.NDArray[Any], timbres: Callable[[int, int], Tensor]
    ) -> Iterator[npt.NDArray[np.float32]]:
        device, played = self.timbres.table.weight.device, None
        for start in range(0, len(rolls), BLOCK_FRAMES):
            stop = min(len(rolls), start + BLOCK_FRAMES)
            part = torch.from_numpy(np.asarray(rolls[start:stop], dtype=np.float32))[None].to(device)
            made, played = self.network.advance(part[..., self.rows], timbres(start, stop)[None].to(device), played)
            yield made[0].cpu().numpy()

    def _predicted(self, batch: Batch) -> Tensor:
        return self.play(batch[ROLL], self.timbres(batch[INSTRUMENT]))

    def forward(self, batch: Batch, noise: torch.Generator) -> StepLoss:
        """The configured loss of ``mel`` ``(batch, time, bands)``, given ``roll`` and ``instrument``."""
        loss = squared_error(self.headline, self._predicted(batch), batch[MEL])
        return StepLoss(loss, {self.headline: loss.detach()})

    def validate(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        """All three losses, the one that is learnt first."""
        predicted = self._predicted(batch)
        order: tuple[Loss, ...] = (self.headline, *(loss for loss in SCALES if loss != self.headline))
        return {loss: squared_error(loss, predicted, batch[MEL]) for loss in order}


def build_mel2mel(settings: Mel2Mel, inputs: Mapping[str, Input]) -> Mel2MelSystem:
    """The Mel2Mel of a section, with fresh weights, for the sequences ``mel`` and ``roll``."""
    mel = inputs[MEL]
    return Mel2MelSystem(settings, mel.channels, inputs[ROLL].channels // 2, len(mel.labels[INSTRUMENT].names))
