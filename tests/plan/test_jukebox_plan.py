"""What rows of Jukebox are refused for when they are planned."""

from pathlib import Path
from typing import Any

import pytest

from descant.config.loading import merge, parse
from descant.config.reading import read_yaml
from descant.errors import ConfigError
from descant.plan.parts import Draw
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


def test_candidates_are_the_beginning_of_the_top_level() -> None:
    route = plan_of({}).routes["jukebox"]
    assert route.candidates == Draw(2, "small-on-top", 25) and route.draws[0].steps == 55
    # never longer than what is drawn
    longer = plan_of({"models": {"jukebox": {"branch": {"seconds": 9}}}}).routes["jukebox"].candidates
    assert longer == Draw(2, "small-on-top", 55)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"models": {"jukebox": {"branch": {"pick": [3]}}}}, r"branch: pick names candidate 3, but there are 3"),
        ({"models": {"jukebox": {"branch": {"pick": [1, 1]}}}}, "a candidate twice"),
        ({"models": {"jukebox": {"branch": {"pick": [-1]}}}}, r"branch\.pick"),
        ({"models": {"jukebox": {"branch": {"pick": [1]}}}, "listening": {"items": 2}}, r"branch\.pick makes 1 of"),
    ],
)
def test_picks_that_are_not_there_are_refused(over: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_of(over)
