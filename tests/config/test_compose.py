"""Tasks of composing have what they need, or the error names the key."""

from typing import Any

import pytest
from pydantic import ValidationError

from descant.config.compose import Compose


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"task": "harmonise"}, "needs a score"),
        ({"task": "fill", "score": "x.mid"}, "needs the voices"),
        ({"task": "redo", "score": "x.mid", "voices": ["alto"]}, "writes all voices"),
        ({"task": "harmonise", "score": "x.mid", "voices": ["soprano", "soprano"]}, "names one twice"),
        ({"task": "harmonise", "score": "x.mid", "voices": ["bass", "soprano"]}, "from the top down"),
        ({"task": "harmonise", "score": "x.mid", "voices": ["soprano", "alto", "tenor", "bass"]}, "nothing is left"),
        ({"task": "generate", "score": "x.mid"}, "set both, or neither"),
        ({"task": "generate", "beginning": 2}, "set both, or neither"),
        ({"task": "generate", "score": "x.mid", "beginning": 8, "measures": 8}, "set `measures` higher"),
    ],
)
def test_a_task_without_what_it_needs_is_refused(asked: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Compose.model_validate(asked)


@pytest.mark.parametrize("key", ["quarters_per_minute", "temperature"])
def test_numbers_that_no_file_and_no_draw_can_hold_are_refused(key: str) -> None:
    for value in (1e-6, 1e5):
        with pytest.raises(ValidationError, match=key):
            Compose.model_validate({key: value})


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"task": "harmonise", "score": "x.mid"},
        {"task": "fill", "score": "x.mid", "voices": ["alto", "tenor"]},
        {"task": "generate", "score": "x.mid", "beginning": 2},
    ],
)
def test_what_is_asked_for_whole_is_taken(asked: dict[str, Any]) -> None:
    assert Compose.model_validate(asked).answer == "1"
