"""Commands are processes: what one imports costs every job of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import descant.commands

COMMANDS = {path.stem for path in Path(descant.commands.__file__).parent.glob("*.py")} - {"__init__", "set_up"}
# the last one makes the trainer of the member that it writes down
TRAIN = {"train", "train_member", "choose_member"}
COMPUTE = {
    "band", "band_page", "codes", "compose", "decode_codes", "draw", "embed", "find_timbre", "likelihood",
    "parts_audio", "parts_drawn", "parts_row", "perform", "play", "prime", "reconstruct", "timbres", "vocode",
}  # fmt: skip
PROGRAM = """
import importlib, sys
for name in {commands}:
    importlib.import_module(f"descant.commands.{{name}}")
    if {library!r} in sys.modules:
        print(name)
        break
"""


@pytest.mark.parametrize(
    ("commands", "library"),
    [(COMMANDS - TRAIN - COMPUTE, "torch"), (COMPUTE, "torch._dynamo"), (COMPUTE, "lightning_fabric")],
    ids=["no network, no torch", "no training, no compiler", "no training, no Fabric"],
)
def test_no_command_imports_a_heavy_library_that_it_does_not_use(commands: set[str], library: str) -> None:
    program = PROGRAM.format(commands=sorted(commands), library=library)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_to_set_up_torch_does_not_import_the_compiler() -> None:
    program = "import sys; from descant.commands import set_up; set_up.set_up_torch(1, 0)"
    shown = "import torch; print('torch._dynamo' in sys.modules, torch.are_deterministic_algorithms_enabled())"
    done = subprocess.run([sys.executable, "-c", f"{program}; {shown}"], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_a_command_s_products_have_one_thread_unless_the_environment_says_otherwise() -> None:
    # a command's own module is imported after its package, and numpy with it
    program = (
        "import descant.commands, numpy, threadpoolctl; "
        "print([pool['num_threads'] for pool in threadpoolctl.threadpool_info() if pool['internal_api'] == 'openblas'])"
    )
    unset = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    for environment, threads in ((unset, 1), ({**unset, "OPENBLAS_NUM_THREADS": "2"}, min(2, os.cpu_count() or 1))):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == f"[{threads}]", done.stderr
