"""A configuration as a person writes it, and what is said of a wrong one."""

import copy
from typing import Any

import pytest

from descant.config.loading import parse
from descant.errors import ConfigError

SMALL = {"stacks": 1, "layers_per_stack": 3, "kernel": 2, "start_kernel": 2}


def raw_config(**over: Any) -> dict[str, Any]:
    """Three ADAs and four models, as a person writes them."""
    bottlenecks: dict[str, dict[str, Any]] = {
        "vq8": {"kind": "vq"},
        "amae8": {"kind": "argmax"},
        "smooth": {"kind": "continuous"},
    }
    hops = {"vq8": 8, "amae8": 4, "smooth": 8}
    raw: dict[str, Any] = {
        "corpus": {},
        "wavenets": {"small": SMALL, "large": {**SMALL, "stacks": 3}},
        "training": {"steps": 10, "batch": 2, "window": 64, "schedule": {"decay": "linear", "warmup_steps": 2}},
        "adas": {
            name: {"hop": hops[name], "bottleneck": bottleneck, "local_model": "small"}
            for name, bottleneck in bottlenecks.items()
        },
        "priors": {"prior": {"wavenet": "large"}, "flat": {"wavenet": SMALL, "training": {"window": 99}}},
        "vqvaes": {"fine": {"hop": 8}, "coarse": {"hop": 32}, "codec": {"hop": 32, "codebook": {"quantisers": 4}}},
        "transformers": {"small": {"context": 64, "blocks": 4}},
        "mel2mels": {"small": {"width": 8}},
        "part_models": {"voices": {"kind": "autoregressive_parts", "width": 8}},
        "models": {
            "plain": {"title": "Plain", "prior": "flat"},
            "one": {"title": "One", "stack": ["vq8"], "prior": "prior"},
            "two": {"title": "Two", "stack": ["vq8", "amae8"], "prior": "prior"},
            "turned": {"title": "Turned", "stack": ["amae8"], "prior": "prior"},
        },
    }
    return {**raw, **over}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The configuration with one key set, by its dotted path."""
    raw = copy.deepcopy(raw_config())
    *parents, last = path.split(".")
    place = raw
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return raw


def complaint(raw: dict[str, Any]) -> str:
    before = copy.deepcopy(raw)
    with pytest.raises(ConfigError) as shown:
        parse(raw)
    assert raw == before, "checking must not change what was given"
    assert shown.value.cure
    return shown.value.problem
