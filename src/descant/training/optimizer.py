"""The optimizer of a system: its groups of parameters, their learning rates, and its state as named tensors."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from descant.config.training import Training
from descant.systems.base import System
from descant.training.schedule import rate_fraction


def build_optimizer(system: System, settings: Training) -> Optimizer:
    """AdamW over the system's groups of parameters.

    Raises:
        ValueError: when a parameter is in no group; torch refuses one that is in two.
    """
    groups = system.parameter_groups()
    grouped = {id(parameter) for group in groups for parameter in group.parameters}
    if left := [name for name, parameter in system.named_parameters() if id(parameter) not in grouped]:
        raise ValueError(f"parameters in no group: {', '.join(left)}")
    return torch.optim.AdamW(
        [
            {
                "params": list(group.parameters),
                "rate": group.rate,
                "weight_decay": settings.weight_decay if group.weight_decay is None else group.weight_decay,
            }
            for group in groups
        ],
        lr=settings.learning_rate,
        betas=settings.betas,
        fused=True,
    )


def set_rates(optimizer: Optimizer, settings: Training, step: int) -> None:
    """Give every group its learning rate of a step."""
    rate = settings.learning_rate * rate_fraction(settings.schedule, step, settings.steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate"]


def optimizer_state(optimizer: Optimizer) -> dict[str, Tensor]:
    """Moments and step counts, named by the parameter's number and the slot."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{slot}": value for number, slots in state.items() for slot, value in slots.items()}


def load_optimizer_state(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take over what :func:`optimizer_state` gave."""
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, slot = name.split(".")
        slots.setdefault(int(number), {})[slot] = tensor
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
