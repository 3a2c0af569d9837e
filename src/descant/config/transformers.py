"""``transformers:`` priors of codes and upsamplers from coarser codes to finer ones (Jukebox, Dhariwal et al. 2020).

The defaults of depth, width and context are ours: the size that ``benchmarks/transformer.py`` draws from. What Jukebox
has is said of each.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section
from descant.config.networks import Network
from descant.errors import ConfigError

Label = Literal["artist", "genre", "instrument"]


class ConditionerShape(Section):
    """From the codes of the level above to a vector for each step: dilated residual blocks, then upsampled."""

    channels: int = Field(128, ge=1, le=16384, description="channels of the residual blocks (Jukebox: 1024)")
    blocks: int = Field(
        4, ge=0, le=64, description="residual blocks, of dilations 1, 3, 9 … 2187 and again 1 (Jukebox: 16)"
    )


class Transformer(Network):
    """A transformer of codes; of the coarsest level a prior, given those of the level above an upsampler."""

    width: int = Field(256, ge=2, le=16384, description="channels of the residual path (Jukebox's small prior: 1024)")
    layers: int = Field(
        12,
        ge=1,
        le=256,
        description="layers, which look along the own block, along the same place of all blocks, and along the block "
        "before, in turn (Jukebox's small prior: 48)",
    )
    heads: int = Field(2, ge=1, le=256, description="heads of each layer (Jukebox's small prior: 1)")
    context: int = Field(2048, ge=4, le=2**20, description="steps that a layer sees at most (Jukebox: 8192)")
    blocks: int = Field(32, ge=2, le=2**16, description="blocks that the context is cut into (Jukebox: 64 or 128)")
    attention: float = Field(
        0.25, gt=0, le=8, description="width of a layer's heads together, as a share of `width` (Jukebox: 0.25)"
    )
    mlp: float = Field(
        1.0, gt=0, le=16, description="units between a layer's linear layers, as a share of `width` (Jukebox: 1)"
    )
    labels: tuple[Label, ...] = Field(
        (), description="labels of the tracks that it sees, such as [artist, genre]; what is unknown is one value"
    )
    label_dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of training windows whose labels are unknown, so that sampling.guidance has a draw without "
        "them to go away from",
    )
    added: dict[Label, str] = Field(
        default_factory=dict,
        description="a value of a label, such as {artist: NAME}, that the network which training.start_from names does "
        "not know: it is learnt as one more row of the label's table, and all else stays as it is",
    )
    timing: bool = Field(
        True,
        description="whether it sees the length of the track and the place in it, at the top level; an upsampler "
        "never does (Jukebox)",
    )
    conditioner: ConditionerShape = Field(default_factory=ConditionerShape)

    @property
    def block(self) -> int:
        """Steps of a block."""
        return self.context // self.blocks

    @property
    def attention_width(self) -> int:
        """Channels of a layer's heads together."""
        return round(self.attention * self.width)

    @property
    def mlp_width(self) -> int:
        """Units between a layer's linear layers."""
        return round(self.mlp * self.width)

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        if self.context % self.blocks:
            raise ValueError(
                f"context is {self.context}, which blocks ({self.blocks}) does not divide; "
                f"set it to {-(-self.context // self.blocks) * self.blocks}"
            )
        if self.attention_width < 2 or self.attention_width % (2 * self.heads):
            raise ValueError(
                f"attention times width is {self.attention_width}, which {self.heads} heads of an even width cannot "
                "share; change attention, width or heads"
            )
        if self.mlp_width < 1:
            raise ValueError("mlp times width is less than one unit; make it larger")
        if self.training.window > self.context:
            raise ValueError(
                f"training.window is {self.training.window}, longer than context, {self.context}; make it as long"
            )
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels names one twice; name each once")
        if unseen := [label for label in self.added if label not in self.labels]:
            raise ValueError(f"added names {unseen[0]}, which labels does not; add it there")
        return self


def slide_steps(share: float, context: int, ratio: int) -> int:
    """Steps by which a window moves.

    Args:
        share: of the context.
        context: steps of a window.
        ratio: steps to one code of the level above; 1 for a prior.

    Raises:
        ConfigError: when windows would begin within a code of the level above (Jukebox's issue 236).
    """
    steps = round(share * context)
    if steps >= ratio and steps % ratio == 0:
        return steps
    fitting = max(1, round(steps / ratio)) * ratio
    raise ConfigError(
        f"sampling.slides has {share:g}: a window of {context} steps would move by {steps}, but {ratio} steps share a "
        "code of the level above",
        f"set it to {fitting / context:g}, by which it moves {fitting}",
    )


def check_slides(slides: Sequence[float], contexts: Sequence[int], hops: Sequence[int]) -> None:
    """Refuse windows that would begin within a code of the level above.

    Args:
        slides: shares of the contexts, finest level first; levels beyond them roll on.
        contexts: of the transformer that draws each level, finest first.
        hops: audio samples to a code of each level, finest first.

    Raises:
        ConfigError: naming a share that fits.
    """
    ratios = [*(above // hop for hop, above in pairwise(hops)), 1]
    for share, context, ratio in zip(slides, contexts, ratios, strict=False):
        if context % ratio:
            raise ConfigError(
                f"sampling.slides: a context of {context} steps ends within a code of {ratio} steps of the level above",
                f"set context to a multiple of {ratio}, or leave slides empty",
            )
        slide_steps(share, context, ratio)
