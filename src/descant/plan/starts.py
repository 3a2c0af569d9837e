"""Where trainings begin: from trained networks of a folder, or from fresh weights."""

from dataclasses import replace
from pathlib import Path

from descant.errors import ConfigError
from descant.plan.parts import Route, Training
from descant.plan.plan import Plan

# of a network in such a folder, below its training's name: as a run lays out `results/training`
MODEL_FILE = "model.safetensors"
FINE_TUNED, IN_PART = "fine-tuned", "fine-tuned in part"


def begin_from(plan: Plan, folder: Path | None) -> Plan:
    """Let every training begin from the network of its own name in a folder, where there is one.

    What a training's own settings name comes first. The folder is looked into, nothing is read.

    Args:
        plan: of the configuration.
        folder: with ``NAME/model.safetensors``; None changes nothing.

    Raises:
        ConfigError: when the folder holds no network of any name.
    """
    if folder is None:
        return plan
    if not any(folder.glob(f"*/{MODEL_FILE}")):
        raise ConfigError(
            f"start_from: {folder} holds no NAME/{MODEL_FILE}", "give a folder such as pretrained/piano, or null"
        )
    return replace(plan, trainings={name: _begun(training, folder) for name, training in plan.trainings.items()})


def _begun(training: Training, folder: Path) -> Training:
    file = folder / (training.run or training.name) / MODEL_FILE
    return training if training.begins_trained or not file.is_file() else replace(training, file=file)


def beginning_of(plan: Plan, route: Route) -> str:
    """What is said of a row whose networks begin from trained ones: all, or some; of none nothing is."""
    begun = [plan.trainings[name].begins_trained for name in route.trainings]
    return FINE_TUNED if all(begun) else IN_PART if any(begun) else ""
