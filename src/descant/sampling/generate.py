"""Drawing whole sequences: block by block, resumable, the draws addressed by position."""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from descant.errors import SamplingError
from descant.runs.checkpoint import Checkpoint, load_latest, save
from descant.runs.folder import PATIENCE, locked
from descant.runs.interruption import Interrupted, StopRequest, workflow_is_gone
from descant.sampling.drawn import DrawnSteps
from descant.sampling.engine import Engine
from descant.seeds import counter_uniforms

log = logging.getLogger(__name__)

Conditioner = Callable[[int, int], Tensor]
EngineBuilder = Callable[[], Engine]


@dataclass(frozen=True)
class Place:
    """Where a row of the batch lies: its draws are those of a sequence from a step on.

    Attributes:
        sequence: number of its stream of uniform numbers.
        start: step of that sequence at which the row begins.
    """

    sequence: int
    start: int = 0


@dataclass(frozen=True)
class Request:
    """What to draw.

    Attributes:
        steps: length of each row.
        places: of each row of the batch.
        classes: values a step can take.
        seed: of the draws.
        hop: steps to one entry of the conditioning.
        save_every_seconds: wall-clock seconds between saved states.
    """

    steps: int
    places: Sequence[Place]
    classes: int
    seed: int
    hop: int = 1
    save_every_seconds: float = 30.0


def sequences(count: int) -> tuple[Place, ...]:
    """The places of so many sequences drawn from their first step."""
    return tuple(Place(number) for number in range(count))


def uniforms(seed: int, places: Sequence[Place], done: int, count: int) -> Tensor:
    """Uniform numbers float64 ``(batch, count)`` of the rows' steps from ``done`` on, by (seed, sequence, step)."""
    rows = [counter_uniforms(seed, place.sequence, place.start + done, count) for place in places]
    return torch.from_numpy(np.stack(rows))


def generate(
    build: EngineBuilder,
    request: Request,
    folder: Path,
    conditioner: Conditioner | None = None,
    block: int = 1024,
    patience: float = PATIENCE,
) -> npt.NDArray[Any]:
    """Draw sequences, going on from what a killed run left in its folder.

    Args:
        build: makes the engine, once the folder is ours.
        request: what to draw.
        folder: run directory of this draw, where its state is saved.
        conditioner: conditioning as the engine takes it, of the rows' codes ``start … stop - 1``; None without.
        block: steps between looks at the clock and at signals.
        patience: seconds to wait for another process in the same folder.

    Returns:
        Unsigned integers ``(batch, steps)``, mapped from the folder.

    Raises:
        Interrupted: a signal asked for a stop; what was drawn is saved.
        SamplingError: when the state cannot be saved.
    """
    block = -(-block // request.hop) * request.hop
    batch = len(request.places)
    with (
        locked(folder, patience),
        StopRequest() as stop,
        DrawnSteps(folder / "drawn.bin", batch, request.classes) as drawn,
        tqdm(total=request.steps * batch, disable=None, unit="step", unit_scale=True) as bar,
    ):
        engine = build()
        first = done = _resume(engine, drawn, folder)
        log.info("engine %s draws %d x %d steps", engine.name, batch, request.steps - done)
        bar.update(done * batch)
        began = saved = time.monotonic()
        while done < request.steps:
            count = min(block, request.steps - done)
            given = conditioner(done // request.hop, -(-(done + count) // request.hop)) if conditioner else None
            steps = engine.generate(uniforms(request.seed, request.places, done, count), given)
            done += count
            stopping = stop.requested or workflow_is_gone()
            due = time.monotonic() - saved > request.save_every_seconds or stopping or done == request.steps
            _keep(engine, drawn, steps, done, folder if due else None)
            if due:
                saved = time.monotonic()
            bar.update(count * batch)
            if stopping and done < request.steps:
                raise Interrupted(f"stopped after step {done} of {request.steps}; run again to go on")
        seconds = time.monotonic() - began
        rate = batch * (done - first) / max(seconds, 1e-9)
        log.info("drew %d x %d steps in %.1f s (%.0f steps/s)", batch, done - first, seconds, rate)
        return drawn.read()


def _keep(engine: Engine, drawn: DrawnSteps, steps: Tensor, done: int, folder: Path | None) -> None:
    """Add the steps to the file; with a folder, also save the state to go on from."""
    try:
        drawn.append(steps)
        if folder is not None:
            drawn.sync()
            tensors = {f"engine.{name}": value for name, value in engine.state().items()}
            named = torch.frombuffer(bytearray(engine.name.encode()), dtype=torch.uint8)
            tensors |= {"drawn": drawn.digest, "name": named}
            save(folder / "checkpoints", Checkpoint(done, tensors), keep=2)
    except OSError as error:
        raise SamplingError(
            f"the state after step {done} cannot be saved: {error.strerror or error}",
            "free disk space or mend the permissions of results/, then run again",
        ) from error


def _resume(engine: Engine, drawn: DrawnSteps, folder: Path) -> int:
    """Stand where the newest saved state does; how many steps are done."""
    found = load_latest(folder / "checkpoints")
    if found is not None:
        drew = bytes(found.tensors["name"].tolist()).decode()
        if drew != engine.name:
            log.warning("engine %s drew the first %d steps, this one begins anew", drew, found.step)
        elif not drawn.keep(found.step, found.tensors["drawn"]):
            log.warning("%d steps were drawn, but their file is torn: beginning anew", found.step)
        else:
            state = {name.removeprefix("engine."): value for name, value in found.tensors.items() if "." in name}
            engine.load_state(state)
            log.info("going on from step %d", found.step)
            return found.step
    # states of what is given up must not be found again
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    drawn.keep(0, None)
    return 0
