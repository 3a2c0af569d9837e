"""The processes that share a training: one a device, by Lightning Fabric's DDP; a step's batches are dealt to them."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from descant.errors import TrainingError
from descant.training.devices import Devices

PR_SET_PDEATHSIG = 1
# steps; to talk makes a GPU's process wait for all that is queued, and a step of a large network takes a second (ours)
ASK_EVERY = 8
LEADER = "DESCANT_TRAINING_LEADER"
# where the nodes of a job meet
FIRST_PORT, PORTS = 20000, 10000


class Processes:
    """This process among those that share a training.

    With several devices the others of this node are started here, and run the same program up to this same line. On
    several nodes, Slurm's srun has started one process on each.

    Args:
        devices: what to run on.
        precision: Fabric's name of it.

    Raises:
        TrainingError: when there are to be several nodes, and no srun started this process.
    """

    def __init__(self, devices: Devices, precision: Literal["32-true", "bf16-mixed"]) -> None:
        alone = devices.processes == 1
        if devices.nodes > 1:
            _find_first_node()
        # every process computes the same buffers, so none are sent
        strategy = "auto" if alone else DDPStrategy(broadcast_buffers=False)
        self.fabric = Fabric(
            accelerator=devices.accelerator,
            devices=devices.count,
            num_nodes=devices.nodes,
            precision=precision,
            strategy=strategy,
            # named, or Fabric would take what a scheduler started for its own processes
            plugins=LightningEnvironment(),
        )
        if not alone:
            threads = torch.get_num_threads()
            # Fabric sets LOCAL_RANK for those that it starts
            if "LOCAL_RANK" not in os.environ:
                os.environ[LEADER] = str(os.getpid())
            self.fabric.launch()
            # Fabric deals all cores to its processes; how many threads there are is part of a training's bytes
            torch.set_num_threads(threads)
            # of those that srun started, it ends the others when one has died
            if self.fabric.local_rank:
                _die_with_the_leader()

    @property
    def count(self) -> int:
        """How many there are."""
        return self.fabric.world_size

    @property
    def leads(self) -> bool:
        """Whether this one writes what the training leaves."""
        return self.fabric.is_global_zero

    def share(self, total: int) -> range:
        """The numbers below ``total``, a multiple of the processes, that fall to this one."""
        each = total // self.count
        return range(self.fabric.global_rank * each, (self.fabric.global_rank + 1) * each)

    def sum(self, figures: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalars added up over all processes."""
        if self.count == 1 or not figures:
            return dict(figures)
        together = torch.stack([value.double() for value in figures.values()])
        summed = self.fabric.all_reduce(together, reduce_op="sum")
        assert isinstance(summed, Tensor)
        return dict(zip(figures, summed, strict=True))

    def gather(self, part: Tensor) -> Tensor:
        """Rows ``(n, …)`` of all processes one after another: ``(processes · n, …)``."""
        if self.count == 1:
            return part
        gathered = self.fabric.all_gather(part)
        assert isinstance(gathered, Tensor)
        return gathered.flatten(0, 1)

    def any(self, here: bool) -> bool:
        """Whether it is so in any process; all get the same answer."""
        if self.count == 1:
            return here
        return bool(self.sum({"": torch.tensor(float(here), device=self.fabric.device)})[""] > 0)

    def any_asks(self, here: bool, step: int) -> bool:
        """Whether one asks for a stop: several talk about it only after every so many steps, alike in all of them."""
        return here if self.count == 1 else step % ASK_EVERY == 0 and self.any(here)

    def wait(self) -> None:
        """Wait until all are here."""
        self.fabric.barrier()


def _find_first_node() -> None:
    """Give Fabric the first node's address, a port, and this node's number, as Slurm has them."""
    try:
        os.environ["NODE_RANK"] = os.environ["SLURM_NODEID"]
        nodes, job = os.environ["SLURM_JOB_NODELIST"], int(os.environ["SLURM_JOB_ID"])
    except KeyError as error:
        raise TrainingError(
            f"nodes_per_job is above 1, but {error.args[0]} is not set: no srun of Slurm started this training",
            "submit it with profiles/slurm, or set nodes_per_job: 1",
        ) from error
    os.environ["MASTER_ADDR"] = SLURMEnvironment.resolve_root_node_address(nodes)
    # every process computes the same one
    os.environ["MASTER_PORT"] = str(FIRST_PORT + job % PORTS)


def _die_with_the_leader() -> None:
    # one that waits for a killed leader in a collective would keep its GPU for as long as the collective's patience
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # it may have died before that
        if os.environ.get(LEADER) not in (None, str(os.getppid())):
            os.kill(os.getpid(), signal.SIGKILL)
