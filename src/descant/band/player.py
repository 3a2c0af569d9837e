"""What the band plays next. All that is not known is drawn: what the person will play, and what nobody played.

At the end of a measure the band plans the measure after the next. The next one is planned already and was shown; what
the person will play in it is not known, so the network imagines it: draws it as its own voices, and forgets it. Nor are
the band's voices known where it did not play: once the person's measure is whole it imagines them, and goes on as if it
had played that. Fixed rests in their place would be music of one voice, which its training music hardly has, and a
network that rests goes on resting.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from descant.errors import BandError
from descant.layers.parts import held_class, sounding
from descant.modelfile import read_model
from descant.sampling.engine import DrawSettings
from descant.sampling.parts import draw_parts
from descant.scores.parts import CLASSES, HELD, MEASURE, VOICES, Grid
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.restore import restore

# measures that the network reads and draws, the planned one among them
CONTEXT = 8


@dataclass(frozen=True)
class PlayerSettings:
    """How the band plays.

    Attributes:
        voice: the person's, counted from the top.
        seed: of all draws.
        draw: temperature and nucleus.
        context: measures that the network reads and draws, the planned one among them.
        own_past: whether it reads what it played itself; without, it imagines that afresh.
    """

    voice: int = 0
    seed: int = 1
    draw: DrawSettings = field(default_factory=DrawSettings)
    context: int = CONTEXT
    own_past: bool = True


class BandPlayer:
    """Plans measure after measure, and remembers its own plans as far as it reads them.

    Args:
        system: ready for evaluation.
        settings: how it plays.

    Raises:
        BandError: when the network cannot play along.
    """

    def __init__(self, system: AutoregressivePartsSystem, settings: PlayerSettings) -> None:
        check_plays_along(system)
        self.system, self.settings = system, settings
        self.plans: dict[int, torch.Tensor] = {}

    def plan(self, heard: Grid, measure: int) -> Grid:
        """Plan a measure: all voices of it, the person's as it is imagined.

        A voice that begins with what is held on, from a measure that the band did not play, strikes it.

        Args:
            heard: the person's tokens from the first bar line on, uint8 ``(steps,)``.
            measure: which, from 0.

        Returns:
            Tokens, uint8 ``(16, voices)``.
        """
        settings, size = self.settings, self.system.network.measure
        first = max(0, measure + 1 - settings.context)
        tokens = torch.full((1, (measure + 1 - first) * size, self.system.voices), HELD)
        fixed = torch.zeros_like(tokens, dtype=torch.bool)
        band = torch.arange(self.system.voices) != settings.voice
        for number in range(first, measure):
            # what was announced and does not sound yet stands, whatever of its past it reads
            if number in self.plans and (settings.own_past or number >= len(heard) // size):
                rows = slice((number - first) * size, (number - first + 1) * size)
                tokens[0, rows] = self.plans[number]
                fixed[0, rows] = band
        known = torch.from_numpy(heard[first * size : (measure + 1) * size].astype("int64"))
        tokens[0, : len(known), settings.voice] = known
        fixed[0, : len(known), settings.voice] = True
        drawn = draw_parts(self.system, tokens, fixed, settings.seed, settings.draw, stream=measure)
        measures = drawn[0].view(-1, size, self.system.voices)
        plan = measures[-1].clone()
        if measure - 1 not in self.plans:
            held_on = sounding(drawn, CLASSES)[0, -size]
            begins = (plan[0] == held_class(CLASSES)) & (held_on < CLASSES)
            plan[0] = torch.where(begins, held_on, plan[0])
        imagined = {number: measures[number - first] for number in range(first, min(measure, len(heard) // size))}
        oldest = measure + 2 - settings.context
        self.plans = {number: each for number, each in (imagined | self.plans).items() if number >= oldest}
        self.plans[measure] = plan
        return plan.numpy().astype("uint8")


def check_plays_along(system: AutoregressivePartsSystem) -> None:
    """Refuse a network that cannot play along.

    Raises:
        BandError: when it has latents, other voices than four, or other tokens.
    """
    if system.network.latents is not None:
        raise BandError("the network has latents of measures, which the band does not draw", "train one of latent: 0")
    form = system.voices, system.classes, system.network.measure
    if form != (len(VOICES), CLASSES, MEASURE):
        raise BandError(
            f"the network has {form[0]} voices, {form[1]} tokens and {form[2]} steps a measure; the band has "
            f"{len(VOICES)}, {CLASSES} and {MEASURE}",
            "train one on the sequence `parts`",
        )


def read_band(path: Path) -> AutoregressivePartsSystem:
    """The network of a model file, ready to play along.

    Raises:
        ModelFileError: when the file cannot be read, or holds another kind of network.
        BandError: see :func:`check_plays_along`.
    """
    system = restore(read_model(path), AutoregressivePartsSystem)
    check_plays_along(system)
    return system
