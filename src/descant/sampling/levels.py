"""One level of a model drawn: the top from its prior, those below from the codes above."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.models import Sampling, Windows
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.generate import Place, Request, generate, sequences
from descant.sampling.windows import Layout, join, lay_out
from descant.systems.ada import ADASystem
from descant.systems.wavenet import WaveNetSystem


@dataclass(frozen=True)
class LevelSettings:
    """How a level is drawn.

    Attributes:
        seed: of the draws; sequence ``n`` uses stream ``n``.
        draw: temperature and nucleus.
        engine: which engine, in which numbers.
        save_every_seconds: wall-clock seconds between saved states.
    """

    seed: int
    draw: DrawSettings
    engine: EngineSettings
    save_every_seconds: float = 30.0

    @property
    def determining(self) -> dict[str, Any]:
        """All of it that what is drawn depends on; threads and the time between saved states are not."""
        return {"seed": self.seed, **asdict(self.draw), "engine": self.engine.name, "precision": self.engine.precision}


def level_settings(sampling: Sampling, seed: int, threads: int, save_every_seconds: float) -> LevelSettings:
    """How a level is drawn by the configuration."""
    return LevelSettings(
        seed,
        DrawSettings(sampling.temperature, sampling.top_p),
        EngineSettings(sampling.engine, sampling.precision, threads),
        save_every_seconds,
    )


def draw_top(system: WaveNetSystem, steps: int, batch: int, settings: LevelSettings, folder: Path) -> npt.NDArray[Any]:
    """Draw a batch of sequences from a prior.

    Args:
        system: the prior, on its device.
        steps: length of each sequence.
        batch: sequences drawn side by side.
        settings: how.
        folder: run directory of this draw.

    Returns:
        Unsigned integers ``(batch, steps)``, mapped from the folder.
    """
    wavenet = system.wavenet
    request = Request(
        steps, sequences(batch), wavenet.classes, settings.seed, save_every_seconds=settings.save_every_seconds
    )
    return generate(partial(build_engine, wavenet, batch, settings.draw, settings.engine), request, folder)


def draw_below(
    system: ADASystem, codes: Tensor, settings: LevelSettings, folder: Path, windows: Windows | None = None
) -> npt.NDArray[Any]:
    """Draw the sequence below an ADA's codes.

    Args:
        system: the ADA, on its device.
        codes: int64 ``(batch, codes)``.
        settings: how.
        folder: run directory of this draw.
        windows: None draws each sequence from end to end.

    Returns:
        Unsigned integers ``(batch, codes * hop)``, without windows mapped from the folder.
    """
    layout = level_layout(system, codes.shape[1], windows)
    drawn = draw_windows(system, codes, layout, settings, folder)
    if len(layout.starts) == 1:
        return drawn
    return join(drawn, layout, system.hop, system.local_model.receptive_field)


def level_layout(system: ADASystem, codes: int, windows: Windows | None) -> Layout:
    """The windows of a sequence below so many codes; without, one that covers all."""
    if windows is None:
        return Layout((0,), codes, 0)
    warm_up = math.ceil(windows.warm_up * system.local_model.receptive_field / system.hop)
    return lay_out(codes, warm_up, windows.count)


def draw_windows(
    system: ADASystem, codes: Tensor, layout: Layout, settings: LevelSettings, folder: Path
) -> npt.NDArray[Any]:
    """Draw all windows of the sequences below an ADA's codes as one batch.

    Args:
        system: the ADA, on its device.
        codes: int64 ``(batch, codes)``.
        layout: of the windows.
        settings: how.
        folder: run directory of this draw.

    Returns:
        Unsigned integers ``(windows * batch, layout.length * hop)``, mapped from the folder; the first window of all
        sequences before the second.
    """
    wavenet, hop = system.local_model, system.hop
    on_device = codes.to(wavenet.start.linear.weight.device)

    @torch.inference_mode()
    def condition(start: int, stop: int) -> Tensor:
        firsts = [first + start for first in layout.starts]
        return wavenet.layer_conditioning(_conditioning(system, on_device, firsts, stop - start))

    request = Request(
        layout.length * hop,
        [Place(number, first * hop) for first in layout.starts for number in range(len(codes))],
        wavenet.classes,
        settings.seed,
        hop,
        settings.save_every_seconds,
    )
    build = partial(build_engine, wavenet, len(request.places), settings.draw, settings.engine)
    return generate(build, request, folder, condition)


def _conditioning(system: ADASystem, codes: Tensor, firsts: Sequence[int], count: int) -> Tensor:
    """Conditioning of so many codes from each of the rising ``firsts`` on: ``(firsts * batch, count, channels)``.

    Where the modulator sees nothing beyond the sequence's ends, all are computed at once.
    """
    reach = system.modulator.reach

    def inside(first: int) -> bool:
        return first >= reach.left and first + count + reach.right <= codes.shape[1]

    parts = []
    for within, group in groupby(firsts, inside):
        if within:
            seen = [codes[:, first - reach.left : first + count + reach.right] for first in group]
            parts.append(system.conditioning(torch.cat(seen), reach.left, reach.left + count))
        else:
            parts += [system.conditioning(codes, first, first + count) for first in group]
    return torch.cat(parts)
