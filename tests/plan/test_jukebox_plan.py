"""What rows of Jukebox are refused for when they are planned."""

from pathlib import Path
from typing import Any

import pytest

from descant.config.loading import merge, parse
from descant.config.reading import read_yaml
from descant.config.root import Config
from descant.errors import ConfigError
from descant.plan.memory import need_of
from descant.plan.parts import Draw
from descant.plan.plan import Plan, make_plan
from descant.plan.starts import begin_from
from descant.plan.windows import windows

ROOT = Path(__file__).parents[2]


def parse_over(over: dict[str, Any]) -> Config:
    raw = merge(read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "config" / "test" / "jukebox.yaml"))
    return parse(merge(raw, over))


def plan_of(over: dict[str, Any]) -> Plan:
    return make_plan(parse_over(over))


def test_windows_that_begin_within_a_code_above_are_refused_before_anything_is_trained() -> None:
    slides = {"sampling": {"slides": [0.1]}}
    with pytest.raises(ConfigError, match=r"sampling\.slides"):
        plan_of(slides)
    plan_of({"sampling": {"slides": [0.125]}})
    # without upsamplers that level is not drawn
    plan_of({**slides, "models": {"jukebox": {"upsamplers": []}}})


PLAIN = {"transformers": {"small": {"training": {"keep": []}}}, "models": {"small_data": {"prior_step": None}}}
KEEPING = {
    "transformers": {"small": {"training": {"keep": [2, 4]}}},
    "models": {"jukebox": {"prior_step": 4}, "small_data": {"prior_step": None}},
}


def test_steps_that_are_kept_are_parts_of_one_run() -> None:
    config = parse_over(KEEPING)
    plain, plan = plan_of(PLAIN), make_plan(config)
    parts = [one for one in plan.trained if one.kind == "transformer"]
    assert [(one.name, one.first, one.last, one.before, one.run) for one in parts] == [
        ("small-at-2-on-top", 0, 2, None, "small-on-top"),
        ("small-at-4-on-top", 2, 4, "small-at-2-on-top", "small-on-top"),
        ("small-on-top", 4, 6, "small-at-4-on-top", None),
    ]
    first = plan.routes["jukebox"]
    assert first.draws[0].training == first.trainings[0] == "small-at-4-on-top" == first.likelihoods[-1]
    # the other row is as it was
    assert plan.routes["small_data"] == plain.routes["small_data"]
    # what is trained in all is no more, and of the disk each part has what it keeps
    needs = [need_of(one, 1) for one in parts]
    (whole,) = [need_of(one, 1) for one in plain.trained if one.kind == "transformer"]
    assert sum(need.audio_seen for need in needs) == whole.audio_seen
    assert sum(need.disk for need in needs) == whole.disk + 2 * needs[0].disk
    # a row of an early step alone needs what lies before it
    alone = plan_of({**KEEPING, "rows": ["jukebox"]})
    assert [one.name for one in alone.trained if one.kind == "transformer"] == [one.name for one in parts[:2]]
    asked = {window.training: window.rows for window in windows(config, plan)}
    assert asked["small-at-4-on-top"] == ("jukebox",)


def test_parts_of_one_run_begin_from_the_network_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "small-on-top").mkdir()
    (tmp_path / "small-on-top" / "model.safetensors").touch()
    begun = begin_from(plan_of(KEEPING), tmp_path)
    starts = {one.start for one in begun.trained if one.kind == "transformer"}
    assert starts == {tmp_path / "small-on-top" / "model.safetensors"}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"models": {"jukebox": {"prior_step": 4}}},
            r"prior_step is 4, but transformers\.small\.training\.keep is empty",
        ),
        (merge(KEEPING, {"models": {"jukebox": {"prior_step": 3}}}), r"prior_step is 3, but .* is 2, 4; name a step"),
        ({"models": {"codec": {"prior_step": 2}}}, r"models\.codec\.prior_step is of a prior"),
        ({"transformers": {"small": {"training": {"keep": [4, 2]}}}}, "keep is 4, 2; name each step once, rising"),
        ({"transformers": {"small": {"training": {"keep": [2, 6]}}}}, "keep is 2, 6; .* below steps, which is 6"),
        ({"vqvaes": {"top": {"training": {"keep": [2]}}}}, r"vqvaes\.top\.training\.keep is for the priors"),
    ],
)
def test_steps_that_are_not_kept_are_refused(over: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_of(merge(PLAIN, over))


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
