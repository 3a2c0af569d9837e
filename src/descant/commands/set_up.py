"""What a command does before it uses torch; a module of its own, since torch takes seconds to import."""

import os

import torch

from descant.errors import RunError
from descant.runs.devices import PATIENCE, lease_folder, nvidia_devices, see_only_leased

COMPILE_PROCESSES = 4


def set_up_torch(threads: int, gpus: int, compiled: bool = False) -> torch.device:
    """Bound the threads, take GPUs that no other job has, set how numbers are computed, and name the device.

    Args:
        threads: on the CPU.
        gpus: how many; 0 for the CPU.
        compiled: whether ``torch.compile`` is used, whose choices on a CPU are then deterministic too.

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
    if gpus and compiled:
        # each has a torch of its own in memory, and by default there are as many as cores
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(COMPILE_PROCESSES))
    torch.set_num_threads(threads)
    # bytes are promised on a CPU only: on a GPU embeddings' gradients and a graph's writes would become slow sorts
    if not gpus and compiled:
        torch.use_deterministic_algorithms(True, warn_only=True)
    elif not gpus:
        # the same but for the compiler, which takes two seconds to import
        torch.set_deterministic_debug_mode("warn")
    # TF32 keeps ten bits of what a product reads: codes move with it, and engines part from the full forward pass
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if gpus else "cpu")
