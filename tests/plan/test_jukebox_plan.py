"""What rows of Jukebox are refused for when they are planned."""

from pathlib import Path
from typing import Any

import pytest

from descant.config.loading import merge, parse
from descant.config.reading import read_yaml
from descant.errors import ConfigError
from descant.plan.plan import Plan, make_plan

ROOT = Path(__file__).parents[2]


def plan_of(over: dict[str, Any]) -> Plan:
    raw = merge(read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "config" / "test" / "jukebox.yaml"))
    return make_plan(parse(merge(raw, over)))


def test_windows_that_begin_within_a_code_above_are_refused_before_anything_is_trained() -> None:
    slides = {"sampling": {"slides": [0.1]}}
    with pytest.raises(ConfigError, match=r"sampling\.slides"):
        plan_of(slides)
    plan_of({"sampling": {"slides": [0.125]}})
    # without upsamplers that level is not drawn
    plan_of({**slides, "models": {"jukebox": {"upsamplers": []}}})
