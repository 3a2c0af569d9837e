"""``listening:`` is checked against what is drawn, and people's ratings stay out of what is cleaned."""

from pathlib import Path

import pytest

from descant.config.listening import DEFINES_TEST, Listening
from descant.config.loading import merge, parse
from descant.config.reading import read_yaml
from descant.config.root import Config
from descant.errors import ConfigError

ROOT = Path(__file__).parents[2]


def parsed(listening: dict[str, object]) -> Config:
    return parse(merge(read_yaml(ROOT / "config.yaml"), {"listening": listening}))


def test_the_default_tests_every_model_of_the_table() -> None:
    assert parsed({}).listening == Listening()
    assert parsed({"models": ["hop8"], "items": 3, "seconds": 2}).listening.models == ("hop8",)


@pytest.mark.parametrize(
    ("listening", "shown"),
    [
        ({"models": ["hop9"]}, "did you mean 'hop8'"),
        ({"models": []}, "listening: models is empty"),
        ({"models": ["hop8", "hop8"]}, "names one twice"),
        ({"items": 9}, "sampling.count makes 5"),
        ({"seconds": 8.5}, "sampling.seconds makes 8"),
        ({"controls": {"noise": [0, 2]}}, "listening.controls"),
        ({"controls": {"real": [5, 3]}}, "listening.controls"),
        ({"folder": "results/ratings"}, "listening: folder is"),
        ({"folder": "./x/../results"}, "listening: folder is"),
        ({"rater": 3}, "did you mean 'raters'"),
    ],
)
def test_what_cannot_be_heard_is_reported_by_its_key(listening: dict[str, object], shown: str) -> None:
    with pytest.raises(ConfigError, match=shown):
        parsed(listening)


def test_the_keys_that_define_the_test_are_keys() -> None:
    assert set(Listening.model_fields) > DEFINES_TEST
