"""Commands are processes: what one imports costs every job of it."""

import subprocess
import sys
from pathlib import Path

import pytest

import descant.commands

COMMANDS = {path.stem for path in Path(descant.commands.__file__).parent.glob("*.py")} - {"__init__", "set_up"}
TRAIN = {"train_ada", "train_prior", "train_member", "choose_member"}
COMPUTE = {"codes", "embed", "estimate", "likelihood", "parameters", "reconstruct", "sample_prior", "upsample"}


@pytest.mark.parametrize(
    ("commands", "library"),
    [(COMMANDS - TRAIN - COMPUTE, "torch"), (COMPUTE, "lightning_fabric")],
    ids=["no network, no torch", "no training, no Fabric"],
)
def test_no_command_imports_a_heavy_library_that_it_does_not_use(commands: set[str], library: str) -> None:
    imports = "".join(f"import descant.commands.{name}\n" for name in sorted(commands))
    program = f"import sys\n{imports}sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
