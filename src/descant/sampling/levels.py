"""One level of a model drawn: the top from nothing, those below from what was drawn above."""

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
from descant.sampling.generate import Place, Request, generate
from descant.sampling.windows import Layout, join, lay_out
from descant.systems.drawable import Drawable


@dataclass(frozen=True)
class LevelSettings:
    """How a level is drawn.

    Attributes:
        seed: of the draws; sequence ``n`` uses stream ``n``.
        draw: temperature, nucleus and loudest level.
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


def level_settings(
    sampling: Sampling, seed: int, threads: int, save_every_seconds: float, loudest: float | None = None
) -> LevelSettings:
    """How a level is drawn by the configuration; ``loudest`` is that of the music that its network learnt."""
    return LevelSettings(
        seed,
        DrawSettings(
            sampling.temperature,
            sampling.top_p,
            loudest=loudest if sampling.limit_loudness else None,
            top_k=sampling.top_k,
        ),
        EngineSettings(sampling.engine, sampling.precision, threads),
        save_every_seconds,
    )


def draw_level(
    system: Drawable,
    given: Tensor | None,
    batch: int,
    steps: int,
    settings: LevelSettings,
    folder: Path,
    windows: Windows | None = None,
    prime: Tensor | None = None,
    numbers: Sequence[int] | None = None,
) -> npt.NDArray[Any]:
    """Draw one level of a model.

    Args:
        system: on its device.
        given: what its conditioning is made of, ``(batch, entries)`` or ``(batch, entries, channels)``, an entry for
            each hop of the steps; None for a system that is given nothing.
        batch: sequences drawn side by side.
        steps: length of each, the prime included.
        settings: how.
        folder: run directory of this draw.
        windows: None draws each sequence from end to end.
        prime: int64 ``(batch, count)``, the first steps of each sequence, a multiple of the hop; not with windows.
        numbers: of the sequences, by which their draws are known, whichever others are drawn beside; None from 0 on.

    Returns:
        Unsigned integers ``(batch, steps)``, mapped from the folder where there are no windows.
    """
    layout = Layout((0,), steps, 0) if given is None else level_layout(system, given.shape[1], windows)
    drawn = draw_windows(system, given, batch, steps, layout, settings, folder, prime, numbers)
    if len(layout.starts) == 1:
        return drawn
    return join(drawn, layout, system.hop, system.network.receptive_field)[:, :steps]


def level_layout(system: Drawable, entries: int, windows: Windows | None) -> Layout:
    """The windows of a sequence below so many entries; without, one that covers all."""
    if windows is None:
        return Layout((0,), entries, 0)
    warm_up = math.ceil(windows.warm_up * system.network.receptive_field / system.hop)
    return lay_out(entries, warm_up, windows.count)


def draw_windows(
    system: Drawable,
    given: Tensor | None,
    batch: int,
    steps: int,
    layout: Layout,
    settings: LevelSettings,
    folder: Path,
    prime: Tensor | None = None,
    numbers: Sequence[int] | None = None,
) -> npt.NDArray[Any]:
    """Draw all windows of the sequences as one batch.

    Args:
        system: on its device.
        given: see :func:`draw_level`.
        batch: sequences.
        steps: length of each; a single window ends there, of several each is whole.
        layout: of the windows.
        settings: how.
        folder: run directory of this draw.
        prime: see :func:`draw_level`; with one window only.
        numbers: see :func:`draw_level`.

    Returns:
        Unsigned integers ``(windows * batch, layout.length * hop)``, mapped from the folder; the first window of all
        sequences before the second.
    """
    network, hop = system.network, system.hop
    on_device = None if given is None else given.to(network.device)

    @torch.inference_mode()
    def condition(start: int, stop: int) -> Tensor:
        assert on_device is not None
        firsts = [first + start for first in layout.starts]
        return network.layer_conditioning(_conditioning(system, on_device, firsts, stop - start))

    whole = layout.length * hop
    request = Request(
        min(steps, whole) if len(layout.starts) == 1 else whole,
        [Place(number, first * hop) for first in layout.starts for number in numbers or range(batch)],
        network.classes,
        settings.seed,
        hop,
        settings.save_every_seconds,
        prime,
    )
    build = partial(build_engine, network, len(request.places), settings.draw, settings.engine)
    return generate(build, request, folder, None if given is None else condition)


def _conditioning(system: Drawable, given: Tensor, firsts: Sequence[int], count: int) -> Tensor:
    """Conditioning of so many entries from each of the rising ``firsts`` on, ``(firsts * batch, …, channels)``.

    Where it depends on nothing beyond the sequence's ends, all are computed at once.
    """
    reach = system.reach

    def inside(first: int) -> bool:
        return first >= reach.left and first + count + reach.right <= given.shape[1]

    parts = []
    for within, group in groupby(firsts, inside):
        if within:
            seen = [given[:, first - reach.left : first + count + reach.right] for first in group]
            parts.append(system.conditioning(torch.cat(seen), reach.left, reach.left + count))
        else:
            parts += [system.conditioning(given, first, first + count) for first in group]
    return torch.cat(parts)
