"""What ``auto`` stands for in a training's settings, by the machine and by how long the training is."""

import logging
from dataclasses import replace
from pathlib import Path

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
        chosen["precision"] = "bf16-mixed" if has_fast_bf16(session.devices) else "32-true"
    if training.compile == "auto":
        chosen["compile"] = session.devices.has_compiler and session.kind in COMPILED_KINDS and _long(session, streams)
    if not chosen:
        return session
    log.info("auto: %s", ", ".join(f"training.{key} is {value}" for key, value in chosen.items()))
    settings = session.settings.model_copy(update={"training": training.model_copy(update=chosen)})
    return replace(session, settings=settings)


def has_fast_bf16(devices: Devices) -> bool:
    """Whether products of bfloat16 have instructions there that are faster than those of float32."""
    if devices.accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has = torch.cpu.get_capabilities()
    # of Intel with tiles, of Arm
    if has.get("amx_bf16", False) or has.get("bf16", False):
        return True
    # without tiles Intel's take twice as long as those of float32 (docs/measurements.md), AMD's half
    return bool(has.get("avx512_bf16", False)) and "AuthenticAMD" in processor_facts()


def processor_facts() -> str:
    """What Linux says of the processor; nothing on another system."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _long(session: Session, streams: Streams) -> bool:
    training = session.training
    weights = sum(parameter.numel() for parameter in session.build(streams).parameters())
    return weights * training.steps * training.accumulate * training.batch * training.window >= LEAST_COMPILED
