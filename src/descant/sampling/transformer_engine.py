"""The reference engine of transformers: a cached step in plain torch, to which compiled ones are held."""

import torch
from torch import Tensor

from descant.config.models import EngineName
from descant.layers.transformer import Transformer
from descant.layers.transformer_walk import TransformerWalk
from descant.sampling.draw import draw
from descant.sampling.engine import DrawSettings


def guided(logits: Tensor, guidance: float) -> Tensor:
    """Logits away from what is drawn without labels (Ho & Salimans 2022, the guidance of classifier-free models).

    Args:
        logits: ``(2 * batch, ..., classes)``, those with labels before those without of each sequence; or with
            guidance 1 ``(batch, ..., classes)``.
        guidance: 1 draws with labels, 0 without, more goes beyond.
    """
    if guidance == 1:
        return logits
    labelled, unlabelled = logits[::2], logits[1::2]
    return unlabelled + guidance * (labelled - unlabelled)


class TransformerEngine:
    """Draws from a transformer in plain torch.

    With guidance each sequence is gone along twice, in rows one after the other: the conditioning of the first has
    the labels, that of the second is not.

    Args:
        network: with its weights, on its device.
        batch: sequences drawn side by side.
        settings: temperature, nucleus and guidance.
    """

    def __init__(self, network: Transformer, batch: int, settings: DrawSettings) -> None:
        self.network, self.settings = network, settings
        self.copies = 1 if settings.guidance == 1 else 2
        self.walk = TransformerWalk(network, self.copies * batch)

    @property
    def name(self) -> EngineName:
        """See :class:`descant.sampling.engine.Engine`."""
        return "reference"

    @torch.inference_mode()
    def generate(self, uniforms: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`; with guidance the conditioning has two rows a sequence."""
        drawn, given, settings = [], uniforms.to(self.network.device), self.settings
        for number in range(uniforms.shape[1]):
            here = None if conditioning is None else conditioning[:, number : number + 1]
            logits = guided(self.walk.next_logits(here), settings.guidance)
            drawn.append(draw(logits, given[:, number], settings.temperature, settings.top_p, settings.top_k))
            self.walk.previous = drawn[-1].repeat_interleave(self.copies)
        return torch.stack(drawn, dim=1).cpu()

    @torch.inference_mode()
    def follow(self, steps: Tensor, conditioning: Tensor | None) -> Tensor:
        """See :class:`descant.sampling.engine.Engine`; whole blocks are gone along at once."""
        logits = self.walk.follow(steps.to(self.network.device).repeat_interleave(self.copies, 0), conditioning)
        return guided(logits, self.settings.guidance).float().cpu()

    def state(self) -> dict[str, Tensor]:
        """See :class:`descant.sampling.engine.Engine`."""
        return self.walk.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See :class:`descant.sampling.engine.Engine`."""
        self.walk.load_state(state)
