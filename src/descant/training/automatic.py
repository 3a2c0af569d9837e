"""What ``auto`` stands for in a training's settings, by the machine and by how long the training is."""

import logging
from dataclasses import replace

import torch

from descant.training.devices import Devices
from descant.training.session import Session, Streams

log = logging.getLogger(__name__)

# multiply-adds of all forward passes of a training from which compiling pays (ours): it takes a minute and gains a
# tenth to a third (docs/measurements.md), and a core computes so many, backward too, in about a quarter of an hour
LEAST_COMPILED = 6e12
# those whose gain was measured
COMPILED_KINDS = ("wavenet", "ada")


def settled(session: Session, streams: Streams) -> Session:
    """The session with a precision, and with compiling or not, in place of ``auto``.

    Both then stand in the name of the run and in the model file.

    Raises:
        TrainingError: as :meth:`Session.build`.
    """
    training = session.training
    chosen: dict[str, object] = {}
    if training.precision == "auto":
        chosen["precision"] = "bf16-mixed" if has_bf16_products(session.devices) else "32-true"
    if training.compile == "auto":
        chosen["compile"] = session.devices.has_compiler and session.kind in COMPILED_KINDS and _long(session, streams)
    if not chosen:
        return session
    log.info("auto: %s", ", ".join(f"training.{key} is {value}" for key, value in chosen.items()))
    settings = session.settings.model_copy(update={"training": training.model_copy(update=chosen)})
    return replace(session, settings=settings)


def has_bf16_products(devices: Devices) -> bool:
    """Whether products of bfloat16 have instructions of their own there."""
    if devices.accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has = torch.cpu.get_capabilities()
    # of x86, of Arm
    return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _long(session: Session, streams: Streams) -> bool:
    training = session.training
    weights = sum(parameter.numel() for parameter in session.build(streams).parameters())
    return weights * training.steps * training.accumulate * training.batch * training.window >= LEAST_COMPILED
