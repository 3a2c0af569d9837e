"""Drawing whole sequences: block by block, resumable, the draws addressed by position."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from descant.errors import SamplingError
from descant.layers.wavenet import WaveNet
from descant.runs.checkpoint import Checkpoint, load_latest, save
from descant.runs.folder import PATIENCE, locked
from descant.runs.interruption import Interrupted, StopRequest, workflow_is_gone
from descant.sampling.engine import DrawSettings, Engine
from descant.sampling.reference import ReferenceEngine
from descant.seeds import counter_uniforms
from descant.systems.ada import ADASystem

log = logging.getLogger(__name__)

Conditioner = Callable[[int, int], Tensor]


@dataclass(frozen=True)
class Request:
    """What to draw.

    Attributes:
        steps: length of each sequence.
        batch: sequences drawn side by side.
        seed: of the draws; sequence ``n`` uses stream ``n``.
        draw: temperature and nucleus.
        save_every_seconds: wall-clock seconds between saved states.
    """

    steps: int
    batch: int
    seed: int
    draw: DrawSettings
    save_every_seconds: float


def uniforms(seed: int, batch: int, start: int, count: int) -> Tensor:
    """Uniform numbers float64 ``(batch, count)`` of the steps from ``start`` on, by (seed, sequence, step)."""
    return torch.from_numpy(np.stack([counter_uniforms(seed, sequence, start, count) for sequence in range(batch)]))


def generate(
    wavenet: WaveNet,
    request: Request,
    folder: Path,
    conditioner: Conditioner | None = None,
    block: int = 1024,
    patience: float = PATIENCE,
) -> Tensor:
    """Draw sequences, going on from what a killed run left in its folder.

    Args:
        wavenet: the model, on its device.
        request: what to draw.
        folder: run directory of this draw, where its state is saved.
        conditioner: conditioning of the codes ``start … stop - 1``, ``(batch, codes, channels)``; None without.
        block: steps between looks at the clock and at signals.
        patience: seconds to wait for another process in the same folder.

    Returns:
        int64 ``(batch, steps)`` on the CPU.

    Raises:
        Interrupted: a signal asked for a stop; what was drawn is saved.
        SamplingError: when the state cannot be saved.
    """
    block = -(-block // wavenet.hop) * wavenet.hop
    device = wavenet.start.linear.weight.device
    engine: Engine = ReferenceEngine(wavenet, request.batch, request.draw)
    with (
        locked(folder, patience),
        StopRequest() as stop,
        tqdm(total=request.steps, disable=None, unit="step", unit_scale=True) as bar,
    ):
        drawn = _resume(engine, folder)
        done = sum(part.shape[1] for part in drawn)
        bar.update(done)
        began = saved = time.monotonic()
        first = done
        while done < request.steps:
            count = min(block, request.steps - done)
            conditioning = None
            if conditioner is not None:
                held = conditioner(done // wavenet.hop, -(-(done + count) // wavenet.hop))
                with torch.inference_mode():
                    conditioning = wavenet.layer_conditioning(held)
            steps = engine.generate(uniforms(request.seed, request.batch, done, count).to(device), conditioning)
            drawn.append(steps.cpu())
            done += count
            bar.update(count)
            stopping = stop.requested or workflow_is_gone()
            if time.monotonic() - saved > request.save_every_seconds or stopping:
                _save(engine, drawn, done, folder)
                saved = time.monotonic()
            if stopping and done < request.steps:
                raise Interrupted(f"stopped after step {done} of {request.steps}; run again to go on")
        seconds = time.monotonic() - began
        log.info(
            "drew %d x %d steps in %.1f s (%.0f steps/s)",
            request.batch,
            done - first,
            seconds,
            request.batch * (done - first) / max(seconds, 1e-9),
        )
    return torch.cat(drawn, dim=1)


def generate_below(system: ADASystem, codes: Tensor, request: Request, folder: Path) -> Tensor:
    """Draw the sequence below an ADA's codes.

    Args:
        system: the ADA, on its device.
        codes: int64 ``(batch, codes)``.
        request: ``steps`` is at most codes times the hop.
        folder: run directory of this draw.

    Returns:
        int64 ``(batch, steps)``.
    """
    on_device = codes.to(system.local_model.start.linear.weight.device)
    return generate(
        system.local_model, request, folder, lambda start, stop: system.conditioning(on_device, start, stop)
    )


def _save(engine: Engine, drawn: list[Tensor], done: int, folder: Path) -> None:
    tensors = {"drawn": torch.cat(drawn, dim=1), **{f"engine.{name}": value for name, value in engine.state().items()}}
    try:
        save(folder / "checkpoints", Checkpoint(done, tensors), keep=2)
    except OSError as error:
        raise SamplingError(
            f"the state after step {done} cannot be saved: {error.strerror or error}",
            "free disk space or mend the permissions of results/, then run again",
        ) from error


def _resume(engine: Engine, folder: Path) -> list[Tensor]:
    found = load_latest(folder / "checkpoints")
    if found is None:
        return []
    engine.load_state(
        {name.removeprefix("engine."): value for name, value in found.tensors.items() if name.startswith("engine.")}
    )
    log.info("going on from step %d", found.step)
    return [found.tensors["drawn"]]
