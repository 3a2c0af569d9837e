"""One level of a model drawn: the top from its prior, those below from the codes above."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from descant.config.models import Sampling
from descant.sampling.choose import build_engine
from descant.sampling.engine import DrawSettings, EngineSettings
from descant.sampling.generate import Request, generate, sequences
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


def draw_below(system: ADASystem, codes: Tensor, settings: LevelSettings, folder: Path) -> npt.NDArray[Any]:
    """Draw the sequence below an ADA's codes.

    Args:
        system: the ADA, on its device.
        codes: int64 ``(batch, codes)``.
        settings: how.
        folder: run directory of this draw.

    Returns:
        Unsigned integers ``(batch, codes * hop)``, mapped from the folder.
    """
    wavenet, batch = system.local_model, codes.shape[0]
    on_device = codes.to(wavenet.start.linear.weight.device)

    @torch.inference_mode()
    def condition(start: int, stop: int) -> Tensor:
        return wavenet.layer_conditioning(system.conditioning(on_device, start, stop))

    request = Request(
        codes.shape[1] * system.hop,
        sequences(batch),
        wavenet.classes,
        settings.seed,
        system.hop,
        settings.save_every_seconds,
    )
    return generate(partial(build_engine, wavenet, batch, settings.draw, settings.engine), request, folder, condition)
