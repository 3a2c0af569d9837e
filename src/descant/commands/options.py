"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from descant.errors import RunError
from descant.runs.devices import PATIENCE, lease_folder, nvidia_devices, see_only_leased
from descant.training.processes import Devices

Settings = Annotated[str, typer.Option(help="the resolved section of the configuration, as JSON text")]
SequenceFolder = Annotated[Path, typer.Option(help="folder of a packed sequence: data.npy and index.parquet")]
SequenceName = Annotated[str, typer.Option(help="its name: 'audio' or a stack such as vqvae8.amae8")]
ModelPath = Annotated[Path, typer.Option(help="a model.safetensors of this pipeline")]
Runs = Annotated[Path, typer.Option(help="folder where run directories keep what a killed run goes on from")]
Seed = Annotated[int, typer.Option(help="root seed")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; the same number gives the same bytes")]
SaveEvery = Annotated[float, typer.Option(min=0, help="wall-clock seconds between saved states of a draw")]
GPUs = Annotated[int, typer.Option(min=0, help="GPUs to use; 0 runs on the CPU")]


def set_up_torch(threads: int, gpus: int) -> torch.device:
    """Bound the threads, take GPUs that no other job has, ask for deterministic kernels, and name the device.

    Raises:
        RunError: when a GPU is asked for and none is found, or none becomes free.
    """
    if gpus:
        see_only_leased(nvidia_devices(), gpus, lease_folder(), PATIENCE)
    if gpus and not torch.cuda.is_available():
        raise RunError(
            "a GPU is asked for (gpus_per_job) but torch finds none on this machine",
            "set gpus_per_job: 0, run on a machine with one, or install torch's CUDA build",
        )
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda" if gpus else "cpu")


def training_devices(gpus: int) -> Devices:
    """What a training runs on."""
    return Devices("cuda", gpus) if gpus else Devices()
