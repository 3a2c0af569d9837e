"""Builders that many tests share: small networks, short trainings, and a packed sequence with something to learn."""

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits
from torch import nn
from xdist.scheduler import LoadScopeScheduling

from descant.config.networks import ADA, WaveNetShape
from descant.config.training import Training
from descant.separation.spleeter_environment import is_supported
from descant.sequences import Labels, PackedSequence, SequenceWriter, open_sequence

# numba's cache mixes up programs that several processes compile at once for other types, and then crashes: one a worker
COMPILED = tempfile.mkdtemp(prefix="descant-numba-")
os.environ["NUMBA_CACHE_DIR"] = COMPILED
atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)

# a loaded core makes single examples slow now and then: that is no finding
settings.register_profile("descant", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("descant")

CLASSES = 16
LENGTHS = {"train": (192, 96, 40), "validation": (128,), "test": (160, 64)}


class Together(LoadScopeScheduling):
    """Deals tests to processes by files, and those that share one finished run of the pipeline all to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "finished" if file in _sharing() else file


@functools.cache
def _sharing() -> frozenset[str]:
    """The files of tests that use the fixture ``finished``."""
    root = Path(__file__).parents[1]
    files = (root / "tests" / "workflow").glob("test_*.py")
    return frozenset(str(file.relative_to(root)) for file in files if "finished: Path" in file.read_text("utf-8"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """``--dist loadscope`` with scopes of ours."""
    return Together(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: the tests that wait for a cluster, beside them those of the pipeline.

    A file that takes minutes and begins last would leave one process at work alone.
    """
    first = (
        "tests/workflow/test_slurm.py",
        "tests/workflow/test_songs.py",
        "tests/workflow/",
        "tests/sampling/test_triton.py",
        "tests/evaluation/distances/test_musicnn.py",
    )

    def rank(item: pytest.Item) -> tuple[int, bool]:
        place = next((n for n, start in enumerate(first) if item.nodeid.startswith(start)), len(first))
        return place, item.get_closest_marker("slow") is None

    items.sort(key=rank)
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Sums in one order, and no cores taken from the neighbours, by the processes of tests either."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    # threads of OpenBLAS that wait for one another on busy cores take six times the CPU time of one
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with threadpool_limits(1, "blas"):
        yield
    torch.set_num_threads(before)


def waves(length: int, number: int, classes: int) -> npt.NDArray[np.int64]:
    """Steps ``(length,)`` of a sine with some noise, another one for every ``number``."""
    random = np.random.default_rng(number)
    wave = np.sin(np.arange(length) * (0.2 + 0.05 * number)) + 0.1 * random.standard_normal(length)
    return np.clip(np.round((wave + 1.3) / 2.6 * (classes - 1)), 0, classes - 1).astype(np.int64)


def write_sequence(folder: Path, lengths: dict[str, tuple[int, ...]], classes: int = CLASSES) -> PackedSequence:
    """Pack a track of so many steps for every length of every split, and open it."""
    with SequenceWriter(folder, classes, hop=1, sample_rate=1000) as writer:
        number = 0
        for split, of_split in lengths.items():
            for length in of_split:
                writer.add(f"{number:016x}", split, Labels(f"track {number}"), iter([waves(length, number, classes)]))
                number += 1
    return open_sequence(folder)


@pytest.fixture(scope="session")
def sequence_of() -> Callable[..., PackedSequence]:
    """``sequence_of(folder, lengths, classes=16)``: see :func:`write_sequence`."""
    return write_sequence


@pytest.fixture(scope="session")
def tiny_sequence(tmp_path_factory: pytest.TempPathFactory) -> PackedSequence:
    """Six short tracks in three splits; nobody writes to it."""
    return write_sequence(tmp_path_factory.mktemp("tiny") / "sequence", LENGTHS)


@pytest.fixture(scope="session")
def spleeter_resources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``resources/spleeter`` of this checkout: the real environment and weights, made by its rules if missing.

    They take half a minute and 1.3 GB, so that every test shares them, and the next run of the tests too.
    """
    from pipeline import ROOT, SONGS, run

    made = ROOT / "resources" / "spleeter"
    made.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("spleeter")
    (folder / "resources").mkdir()
    (folder / "resources" / "spleeter").symlink_to(made)
    targets = ["resources/spleeter/weights/2stems"]
    if is_supported():
        targets.append("resources/spleeter/environment/interpreter.txt")
    with (made / "lock").open("w") as lock:
        # workers of pytest-xdist are processes of their own
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(folder, "--cores", "2", *targets, over=SONGS)
    return made


def build_training(**over: Any) -> Training:
    """A training of 12 steps with figures all along."""
    given: dict[str, Any] = {
        "steps": 12,
        "batch": 3,
        "window": 32,
        "learning_rate": 0.01,
        "log_every": 2,
        "validate_every": 4,
        "validation_batches": 2,
        "checkpoint_every": 4,
    }
    return Training(**{**given, **over})


def build_shape(**over: Any) -> WaveNetShape:
    """A WaveNet of four layers."""
    given: dict[str, Any] = {
        "stacks": 2,
        "layers_per_stack": 2,
        "kernel": 2,
        "start_kernel": 2,
        "residual_channels": 6,
        "gate_channels": 8,
        "skip_channels": 6,
    }
    return WaveNetShape(**{**given, **over})


def build_ada(bottleneck: dict[str, Any] | None = None, hop: int = 4, **over: Any) -> ADA:
    """An ADA with eight codes; VQ by default."""
    given: dict[str, Any] = {
        "hop": hop,
        "bottleneck": bottleneck or {"kind": "vq", "classes": 8, "query_dim": 4},
        "encoder": {"channels": 6, "blocks_per_stage": 1, "blocks": 1},
        "modulator": {"channels": 5, "blocks": 2},
        "local_model": build_shape(),
        "training": build_training(),
    }
    return ADA(**{**given, **over})


@pytest.fixture(scope="session")
def tiny_training() -> Callable[..., Training]:
    """``tiny_training(**over)``: see :func:`build_training`."""
    return build_training


@pytest.fixture(scope="session")
def tiny_shape() -> Callable[..., WaveNetShape]:
    """``tiny_shape(**over)``: see :func:`build_shape`."""
    return build_shape


@pytest.fixture(scope="session")
def tiny_ada() -> Callable[..., ADA]:
    """``tiny_ada(bottleneck, hop, **over)``: see :func:`build_ada`."""
    return build_ada


def enliven(module: nn.Module) -> nn.Module:
    """Enlarge the weights of a fresh network in place, so that its output depends strongly on all that it sees."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1 and "embedding" not in name:
                parameter *= 2.5
    return module


@pytest.fixture(scope="session")
def lively() -> Callable[[nn.Module], nn.Module]:
    """``lively(module)``: see :func:`enliven`."""
    return enliven
