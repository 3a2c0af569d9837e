"""The training loop. It knows no system by name, and its checkpoints alone hold its state."""

import copy
import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from descant.config.training import Training
from descant.errors import DivergedError, TrainingError
from descant.runs import checkpoint
from descant.runs.checkpoint import Checkpoint
from descant.runs.folder import PATIENCE, locked
from descant.runs.interruption import Interrupted, StopRequest, workflow_is_gone
from descant.systems.base import Batch, System
from descant.training.devices import Devices
from descant.training.history import HISTORY, History, Row, read_history
from descant.training.noise import torch_generator
from descant.training.optimizer import build_optimizer, load_optimizer_state, optimizer_state, set_rates
from descant.training.processes import Processes
from descant.training.windows import Windows

log = logging.getLogger(__name__)

NORM = "gradient_norm"
# no step yet
NONE = -1.0
CALMER = "lower training.learning_rate or training.clip_norm, or lengthen the warm-up; the last good checkpoint is kept"


@dataclass(frozen=True)
class TrainingData:
    """Windows to learn from and windows to watch."""

    train: Windows
    validation: Windows


@dataclass(frozen=True)
class Stretch:
    """The part of a training that is done in one run directory; the schedule is over the whole training.

    Attributes:
        until: the step that it ends after.
        start: file of the state that it begins with; None for fresh weights.
    """

    until: int
    start: Path | None = None


@dataclass(frozen=True)
class Trained:
    """What training leaves: weights ready for use, and every figure logged."""

    weights: dict[str, Tensor]
    history: list[Row]


class Trainer:
    """One training in one run directory.

    Args:
        system: freshly initialised system; trained in place.
        settings: the training section.
        data: windows.
        folder: run directory.
        seed: root seed of the noise.
        devices: what to run on; with several, the step's batches (``accumulate``) are dealt to them, which changes a
            result no more than the order in which floats are added.
        stretch: the part of the training to do; all of it unless given.

    Raises:
        TrainingError: when a compiler is missing, or the batches cannot be dealt evenly.
    """

    def __init__(
        self,
        system: System,
        settings: Training,
        data: TrainingData,
        folder: Path,
        seed: int,
        devices: Devices | None = None,
        stretch: Stretch | None = None,
    ) -> None:
        devices = devices or Devices()
        count = devices.processes
        if settings.accumulate % count:
            raise TrainingError(
                f"training.accumulate is {settings.accumulate}, which {count} devices cannot share evenly",
                f"set it to a multiple of {count}; a smaller training.batch keeps the step as large as it was",
            )
        if settings.precision == "auto" or settings.compile == "auto":
            raise ValueError("a training is built with what auto stands for: descant.training.automatic.settled")
        if settings.compile and not devices.has_compiler:
            raise TrainingError(
                "training.compile is on but no compiler is found, which torch.compile needs (g++; with a GPU, cc)",
                "set training.compile to false, or install g++ (with a GPU, Python's headers too: python3-dev)",
            )
        self.settings = settings
        self.data = data
        self.folder = folder
        self.seed = seed
        self.stretch = stretch or Stretch(settings.steps)
        self.step = 0
        # the leader's figures so far, which a training that diverged leaves too
        self.rows: list[Row] = []
        self.processes = Processes(devices, settings.precision)
        self.fabric = self.processes.fabric
        self.system = system
        self.averaged = copy.deepcopy(system).to(self.fabric.device) if settings.average_decay else None
        runnable: torch.nn.Module = torch.compile(system) if settings.compile else system  # type: ignore[assignment]
        self._module, self._optimizer = self.fabric.setup(runnable, build_optimizer(system, settings))
        # gathered once: they stay the same tensors, and walking the modules at every step costs more than the average
        self._values: list[Tensor] = [parameter.detach() for parameter in system.parameters()]
        self._means: list[Tensor] = [mean.detach() for mean in self.averaged.parameters()] if self.averaged else []
        # the first step whose loss or gradient is no number, with these two: kept on the device, as to ask after every
        # step would have the CPU wait for a GPU instead of running ahead of it
        self._broken = torch.tensor([NONE, 0.0, 0.0], dtype=torch.float64, device=self.fabric.device)

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name, in the machine's own memory."""
        tensors = {f"system.{name}": tensor for name, tensor in self.system.state_dict().items()}
        if self.averaged is not None:
            tensors.update({f"averaged.{name}": tensor for name, tensor in self.averaged.state_dict().items()})
        tensors.update({f"optimizer.{name}": value for name, value in optimizer_state(self._optimizer).items()})
        # the one copy of it: safetensors refuses views, and a step must not change what is being saved
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}

    def _resume(self) -> None:
        found = checkpoint.load_latest(self.folder / "checkpoints", self.stretch.until)
        if found is None and self.stretch.start is not None:
            found = checkpoint.read(self.stretch.start)
        if found is None:
            return
        self.step = found.step
        self.system.load_state_dict(_under(found.tensors, "system."))
        if self.averaged is not None:
            self.averaged.load_state_dict(_under(found.tensors, "averaged."))
        load_optimizer_state(self._optimizer, _under(found.tensors, "optimizer."))
        log.info("going on from step %d", self.step)

    @property
    def checkpoint_bytes(self) -> int:
        """Bytes of a checkpoint's tensors: weights and buffers, their average, and Adam's two moments."""
        held = [*self.system.state_dict().values()] * (1 if self.averaged is None else 2)
        return sum(tensor.nbytes for tensor in [*held, *self.system.parameters(), *self.system.parameters()])

    def finite_state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name.

        Raises:
            DivergedError: when something in it is NaN or infinite.
        """
        state = self.state()
        broken = [name for name, value in state.items() if not bool(value.isfinite().all())]
        if broken:
            raise DivergedError(
                f"after step {self.step}: {', '.join(broken[:3])} ({len(broken)} in all) hold NaN or infinity",
                CALMER,
            )
        return state

    def save(self, state: Mapping[str, Tensor]) -> None:
        """Write a checkpoint of the present step.

        Raises:
            TrainingError: when the disk does not take it.
        """
        try:
            checkpoint.save(
                self.folder / "checkpoints",
                Checkpoint(self.step, state),
                self.settings.keep_checkpoints,
                self.settings.keep,
            )
        except OSError as error:
            raise TrainingError(
                f"checkpoint of step {self.step} cannot be written: {error.strerror or error}; "
                f"it takes {self.checkpoint_bytes:,} bytes",
                "free disk space or mend the permissions of results/, then run again: the checkpoint before is whole",
            ) from error

    def run(self) -> Trained:
        """Train to the stretch's end; of several processes only the leader writes, and gives what there is to keep.

        Raises:
            Interrupted: a signal asked for a stop, or the workflow died; the state is saved.
            DivergedError: loss, gradient or state is NaN or infinite; the last good checkpoint is untouched.
            TrainingError: a checkpoint cannot be written.
            RunError: the run directory is in use, the disk is too small for its checkpoints, or the stretch's first
                state cannot be read.
        """
        with locked(self.folder, PATIENCE) if self.processes.leads else nullcontext():
            # the leader has the lock, and no torn checkpoint is left, before the others look
            if self.processes.leads:
                self._resume()
            self.processes.wait()
            if not self.processes.leads:
                self._resume()
            if self.step < self.stretch.until:
                kept = self.settings.keep_checkpoints + len(self.settings.keep)
                checkpoint.check_space(self.folder / "checkpoints", self.checkpoint_bytes, kept)
            return self._run_locked()

    def _run_locked(self) -> Trained:
        leads, until, headline = self.processes.leads, self.stretch.until, self.system.headline
        if 0 < until == self.step:
            # done before; the run may have gone on since
            self.rows = [row for row in read_history(self.folder / HISTORY) if row.step <= until]
            return Trained(self._weights(), self.rows)
        with (
            StopRequest() as stop,
            History(self.folder, self.step) if leads else nullcontext() as history,
            tqdm(total=until, initial=self.step, disable=None if leads else True, unit="step") as bar,
        ):
            if history is not None:
                self.rows = history.rows
            began, first = time.monotonic(), self.step
            if history is not None and until == 0 and not self.rows:
                history.add(0, "validation", self.validate())
            while self.step < until:
                figures = self._train_step()
                self.step += 1
                bar.update()
                last = self.step == until
                shows, validates, saves = (
                    last or self.step % every == 0
                    for every in (self.settings.log_every, self.settings.validate_every, self.settings.checkpoint_every)
                )
                stopping = self.processes.any_asks(stop.requested or workflow_is_gone(), self.step)
                if shows or validates or saves or stopping:
                    self._check_numbers()
                if shows:
                    shown = self._together(figures)
                    bar.set_postfix({headline: f"{shown[headline]:.3f}"})
                    if history is not None:
                        history.add(self.step, "train", shown)
                if validates:
                    figures_held_out = self.validate()
                    rate = (self.step - first) / (time.monotonic() - began)
                    if history is not None:
                        history.add(self.step, "validation", figures_held_out)
                        words = ", ".join(f"{name} {value:.4f}" for name, value in figures_held_out.items())
                        log.info("step %d of %d: %s (%.2f steps/s)", self.step, until, words, rate)
                if saves or stopping:
                    # in every process, so that a broken state, which all of them have, stops all of them
                    state = self.finite_state()
                    if history is not None:
                        history.sync()
                        self.save(state)
                if stopping and not last:
                    break
            if self.step < until and leads:
                raise Interrupted(f"stopped after step {self.step} of {until}; run again to go on")
            return Trained(self._weights(), self.rows)

    def _weights(self) -> dict[str, Tensor]:
        source = self.system if self.averaged is None else self.averaged
        return {name: tensor.cpu() for name, tensor in source.state_dict().items()}

    def _train_step(self) -> dict[str, Tensor]:
        settings = self.settings
        self._module.train()
        set_rates(self._optimizer, settings, self.step)
        totals: dict[str, Tensor] = {}
        observed: dict[str, list[Tensor]] = {}
        parts = self.processes.share(settings.accumulate)
        for part in parts:
            batch = self._on_device(self.data.train.batch(self.step, part * settings.batch, settings.batch))
            self.data.train.expect(self.step + 1, part * settings.batch, settings.batch)
            noise = torch_generator(self.seed, "noise", self.step, part)
            with self.fabric.no_backward_sync(self._module, enabled=part != parts[-1]):
                result = self._module(batch, noise)
                self.fabric.backward(result.loss / len(parts))
            for name, value in {"loss": result.loss.detach(), **result.metrics}.items():
                totals[name] = totals.get(name, torch.zeros_like(value)) + value / settings.accumulate
            for name, rows in result.observed.items():
                observed.setdefault(name, []).append(rows)
        norm = self.fabric.clip_gradients(
            self._module, self._optimizer, max_norm=settings.clip_norm, error_if_nonfinite=False
        )
        assert norm is not None
        place = torch.full_like(norm, self.step, dtype=torch.float64)
        here = torch.stack([place, totals["loss"].double(), norm.detach().double()])
        first_broken = (self._broken[0] == NONE) & ~here[1:].isfinite().all()
        self._broken = torch.where(first_broken, here, self._broken)
        self._optimizer.step()
        self._optimizer.zero_grad()
        together = {name: self.processes.gather(torch.cat(parts)) for name, parts in observed.items()}
        self.system.finish_step(together, torch_generator(self.seed, "finish", self.step))
        self._update_average()
        return {**totals, NORM: norm.detach()}

    def _together(self, figures: Mapping[str, Tensor]) -> dict[str, float]:
        """A step's figures over all processes: each gives its share, but for the norm, of which all have the whole."""
        shares = {name: value for name, value in figures.items() if name != NORM}
        return _numbers({**self.processes.sum(shares), NORM: figures[NORM]})

    def _check_numbers(self) -> None:
        """Look whether all steps since this was last asked had a loss and a gradient.

        Raises:
            DivergedError: when one had not; in all processes, whichever saw it.
        """
        step, loss, norm = self._broken.tolist()
        if not self.processes.any(step != NONE):
            return
        if step == NONE:
            raise DivergedError(f"by step {self.step} another process met a loss that is no number", CALMER)
        parts = self.processes.share(self.settings.accumulate)
        first, count = parts[0] * self.settings.batch, len(parts) * self.settings.batch
        places = self.data.train.places(int(step), first, count)
        log.error("windows of step %d: %s", step, ", ".join(places))
        problem = f"step {step:.0f}: loss is {loss}, gradient norm is {norm}; the log names its windows"
        raise DivergedError(problem, CALMER)

    def _on_device(self, batch: Batch) -> Batch:
        device = self.fabric.device
        if device.type != "cuda":
            return dict(batch)
        # out of pinned memory, so that the CPU need not wait for what the GPU computes
        return {name: tensor.pin_memory().to(device, non_blocking=True) for name, tensor in batch.items()}

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.averaged is None:
            return
        # a young average forgets its random start faster (as in TensorFlow's ExponentialMovingAverage)
        decay = min(self.settings.average_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self._means, self._values, 1 - decay)
        # codebooks and the queries' moments belong to the weights they were seen with: they are averaged alike
        for mean, value in zip(self.averaged.buffers(), self.system.buffers(), strict=True):
            if value.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean figures over the validation windows, always the same ones."""
        watched = (self.system if self.averaged is None else self.averaged).eval()
        totals: dict[str, Tensor] = {}
        for number in range(self.settings.validation_batches):
            batch = self._on_device(self.data.validation.batch(0, number * self.settings.batch, self.settings.batch))
            noise = torch_generator(self.seed, "validation", number)
            with self.fabric.autocast():
                figures = watched.validate(batch, noise)
            for name, value in figures.items():
                part = value.double() / self.settings.validation_batches
                totals[name] = totals[name] + part if name in totals else part
        return _numbers(totals)


def kept_weights(state: Checkpoint) -> dict[str, Tensor]:
    """The weights that a training in this state would leave: their moving average where there is one."""
    return _under(state.tensors, "averaged.") or _under(state.tensors, "system.")


def _numbers(figures: Mapping[str, Tensor]) -> dict[str, float]:
    """Scalars of a device as numbers, fetched at once."""
    return dict(zip(figures, torch.stack([value.double() for value in figures.values()]).tolist(), strict=True))


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
