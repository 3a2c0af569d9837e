"""Drawing whole sequences: block by block, resumable, the draws addressed by position."""

import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from descant.config.models import EngineName
from descant.errors import SamplingError
from descant.formatting import duration
from descant.runs.checkpoint import Checkpoint, load_latest, save
from descant.runs.folder import PATIENCE, locked
from descant.runs.interruption import Interrupted, StopRequest, workflow_is_gone
from descant.sampling.drawn import DrawnSteps
from descant.sampling.engine import STEPS_PER_REPLAY, Engine
from descant.seeds import counter_uniforms

log = logging.getLogger(__name__)

# a draw of fewer steps is not estimated; of others so many are timed (ours)
LEAST_ESTIMATED = 2048
TIMED_STEPS = 64

Conditioner = Callable[[int, int], Tensor]
EngineBuilder = Callable[[EngineName | None], Engine]

# a block is looked at between signals and saves; its conditioning takes memory by the rows (ours)
BLOCK = 1024
BLOCK_OF_ALL_ROWS = 16384


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
        prime: int64 ``(batch, count)``, the first steps of the rows, which are given; count is a multiple of the hop
            and at most ``steps``. None: all are drawn.
    """

    steps: int
    places: Sequence[Place]
    classes: int
    seed: int
    hop: int = 1
    save_every_seconds: float = 30.0
    prime: Tensor | None = None

    @property
    def primed(self) -> int:
        """Steps of each row that are given."""
        return 0 if self.prime is None else self.prime.shape[1]


def sequences(count: int) -> tuple[Place, ...]:
    """The places of so many sequences drawn from their first step."""
    return tuple(Place(number) for number in range(count))


def uniforms(seed: int, places: Sequence[Place], done: int, count: int) -> Tensor:
    """Uniform numbers float64 ``(batch, count)`` of the rows' steps from ``done`` on, by (seed, sequence, step)."""
    rows = [counter_uniforms(seed, place.sequence, place.start + done, count) for place in places]
    return torch.from_numpy(np.stack(rows))


def block_of(batch: int, hop: int) -> int:
    """Steps of a block of so many rows: whole hops, and whole replays of a GPU's graph."""
    whole = math.lcm(hop, STEPS_PER_REPLAY)
    return -(-min(BLOCK, max(1, BLOCK_OF_ALL_ROWS // batch)) // whole) * whole


def generate(
    build: EngineBuilder,
    request: Request,
    folder: Path,
    conditioner: Conditioner | None = None,
    block: int | None = None,
    patience: float = PATIENCE,
) -> npt.NDArray[Any]:
    """Draw sequences, going on from what a killed run left in its folder.

    Args:
        build: makes the engine, given the name of the one that began this draw.
        request: what to draw.
        folder: run directory of this draw, where its state is saved.
        conditioner: conditioning as the engine takes it, of the rows' codes ``start … stop - 1``; None without.
        block: steps between looks at the clock and at signals; None: fewer the more rows there are.
        patience: seconds to wait for another process in the same folder.

    Returns:
        Unsigned integers ``(batch, steps)``, mapped from the folder; the prime as it was given, then what was drawn.

    Raises:
        Interrupted: a signal asked for a stop; what was drawn is saved.
        SamplingError: when the state cannot be saved.
    """
    batch = len(request.places)
    block = -(-block // request.hop) * request.hop if block else block_of(batch, request.hop)
    with (
        locked(folder, patience),
        StopRequest() as stop,
        DrawnSteps(folder / "drawn.bin", batch, request.classes) as drawn,
        tqdm(total=request.steps * batch, disable=None, unit="step", unit_scale=True) as bar,
    ):
        begun = _begun(drawn, folder)
        if begun is not None and begun.done == request.steps:
            return drawn.read()
        engine = build(begun.by if begun else None)
        first = done = _resume(engine, begun, drawn, folder)
        left = request.steps - max(done, request.primed)
        log.info("engine %s draws %d x %d steps", engine.name, batch, left)
        if left >= LEAST_ESTIMATED:
            seconds = left * _seconds_a_step(engine, request, done, conditioner)
            print(f"{folder}: {batch} x {left:,} steps to draw take about {duration(seconds)}", flush=True)
        bar.update(done * batch)
        began = saved = time.monotonic()
        while done < request.steps:
            count = min(block, (request.primed if done < request.primed else request.steps) - done)
            given = conditioner(done // request.hop, -(-(done + count) // request.hop)) if conditioner else None
            steps = _next(engine, request, done, count, given)
            done += count
            stopping = stop.requested or workflow_is_gone()
            due = time.monotonic() - saved > request.save_every_seconds or stopping or done == request.steps
            _keep(engine, drawn, steps, done, folder if due else None)
            if due:
                saved = time.monotonic()
                if done < request.steps:
                    remaining = (saved - began) * (request.steps - done) / (done - first)
                    log.info("step %d of %d, about %s to go", done, request.steps, duration(remaining))
            bar.update(count * batch)
            if stopping and done < request.steps:
                raise Interrupted(f"stopped after step {done} of {request.steps}; run again to go on")
        seconds = time.monotonic() - began
        rate = batch * (done - first) / max(seconds, 1e-9)
        log.info("drew %d x %d steps in %.1f s (%.0f steps/s)", batch, done - first, seconds, rate)
        return drawn.read()


def _seconds_a_step(engine: Engine, request: Request, done: int, conditioner: Conditioner | None) -> float:
    """Seconds of a step of all rows, timed on the next ones, which are then forgotten."""
    count = -(-TIMED_STEPS // request.hop) * request.hop
    given = conditioner(done // request.hop, (done + count) // request.hop) if conditioner else None
    state, numbers = engine.state(), torch.full((len(request.places), count), 0.5, dtype=torch.float64)
    began = time.perf_counter()
    engine.generate(numbers, given)
    seconds = time.perf_counter() - began
    engine.load_state(state)
    return seconds / count


def _next(engine: Engine, request: Request, done: int, count: int, given: Tensor | None) -> Tensor:
    """The next steps: of the prime, which the engine follows, or drawn."""
    if request.prime is None or done >= request.primed:
        return engine.generate(uniforms(request.seed, request.places, done, count), given)
    steps = request.prime[:, done : done + count]
    engine.follow(steps, given)
    return steps


def _keep(engine: Engine, drawn: DrawnSteps, steps: Tensor, done: int, folder: Path | None) -> None:
    """Add the steps to the file; with a folder, also save the state to go on from."""
    try:
        drawn.append(steps)
        if folder is not None:
            drawn.sync()
            # from a GPU once: the digest and the file both read it
            tensors = {f"engine.{name}": value.cpu() for name, value in engine.state().items()}
            named = torch.frombuffer(bytearray(engine.name.encode()), dtype=torch.uint8)
            tensors |= {"drawn": drawn.digest, "name": named}
            save(folder / "checkpoints", Checkpoint(done, tensors), keep=2)
    except OSError as error:
        raise SamplingError(
            f"the state after step {done} cannot be saved: {error.strerror or error}",
            "free disk space or mend the permissions of results/, then run again",
        ) from error


@dataclass(frozen=True)
class _Begun:
    """What a killed run left: steps done, by which engine, and its state."""

    done: int
    by: EngineName
    state: dict[str, Tensor]


def _begun(drawn: DrawnSteps, folder: Path) -> _Begun | None:
    """The newest saved state, if the steps drawn before it are whole."""
    found = load_latest(folder / "checkpoints")
    if found is None:
        return None
    if not drawn.keep(found.step, found.tensors["drawn"]):
        log.warning("%d steps were drawn, but their file is torn: beginning anew", found.step)
        return None
    state = {name.removeprefix("engine."): value for name, value in found.tensors.items() if "." in name}
    name = bytes(found.tensors["name"].tolist()).decode()
    return _Begun(found.step, next(known for known in get_args(EngineName) if known == name), state)


def _resume(engine: Engine, begun: _Begun | None, drawn: DrawnSteps, folder: Path) -> int:
    """Let the engine go on from what was begun, if it is its own; how many steps are done."""
    if begun is not None:
        shapes = {name: tensor.shape for name, tensor in engine.state().items()}
        if begun.by != engine.name:
            log.warning("engine %s drew the first %d steps, %s begins anew", begun.by, begun.done, engine.name)
        elif shapes != {name: tensor.shape for name, tensor in begun.state.items()}:
            log.warning("%d steps were drawn by another version of engine %s: beginning anew", begun.done, engine.name)
        else:
            engine.load_state(begun.state)
            log.info("going on from step %d", begun.done)
            return begun.done
    # states of what is given up must not be found again
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    drawn.keep(0, None)
    return 0
