"""What is composed keeps what is given, whatever network writes and wherever the score lies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from grids import chorale
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.config.compose import Compose
from descant.config.part_models import RMVAE, AutoregressiveParts, RecurrentShape
from descant.errors import SamplingError
from descant.sampling.composing import Composer, Composing, carry_out, fill, generate, into_ranges, redo
from descant.sampling.rests import may_rest
from descant.sampling.voice_leading import VoiceLeadingRules
from descant.scores.parts import CLASSES, HELD, MEASURE, REST, SILENCE, VOICES, Range, sounding, transposed
from descant.scores.voice_leading import CHORALE_RANGES, count_voice_leading
from descant.systems.autoregressive_parts import AutoregressivePartsSystem
from descant.systems.rmvae import RMVAESystem

TRAINING = {"steps": 1, "batch": 1, "window": 32}
HOW = Composing(3, particles=4)


def autoregressive(**over: Any) -> AutoregressivePartsSystem:
    torch.manual_seed(0)
    section = AutoregressiveParts.model_validate({"width": 8, "context": 4, "training": TRAINING, **over})
    return AutoregressivePartsSystem(section, 4, CLASSES).eval()


def rmvae(monkeypatch: pytest.MonkeyPatch) -> RMVAESystem:
    monkeypatch.setattr("descant.layers.rmvae.RECURRENT", {"small": RecurrentShape((6, 5), (4, 1), (8,), (8, 1))})
    torch.manual_seed(0)
    return RMVAESystem(RMVAE.model_validate({"training": TRAINING}), 4, CLASSES).eval()


@pytest.fixture(autouse=True)
def _few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that learnt nothing breaks the rules at every try."""
    monkeypatch.setattr("descant.sampling.parts.TRIES", 2)


@pytest.fixture(params=["autoregressive", "rmvae"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Composer:
    return autoregressive() if request.param == "autoregressive" else rmvae(monkeypatch)


def test_pieces_have_the_length_and_the_beginning_that_are_asked_for(system: Composer) -> None:
    pieces = generate(system, 3, 2, HOW)
    assert [piece.shape for piece in pieces] == [(48, 4)] * 2 and pieces[0].dtype == np.uint8
    begun = generate(system, 3, 2, HOW, chorale(2))
    assert all(np.array_equal(piece[:32], chorale(2)) for piece in begun)


def test_what_is_given_stays(system: Composer) -> None:
    grid = chorale(3)
    for piece in fill(system, grid, [1, 3], 2, HOW):
        assert np.array_equal(piece[:, [0, 2]], grid[:, [0, 2]])
    before = grid
    for voice, after in zip((2, 0), redo(system, grid, (2, 0), HOW), strict=True):
        others = [other for other in range(4) if other != voice]
        assert np.array_equal(after[:, others], before[:, others])
        before = after


def test_what_is_written_does_not_depend_on_what_stood_there() -> None:
    system, grid = autoregressive(), chorale(2)
    other = grid.copy()
    other[:, 2] = np.where(np.arange(32) % 2, HELD, 50)
    assert np.array_equal(fill(system, grid, [2], 1, HOW)[0], fill(system, other, [2], 1, HOW)[0])


def test_answers_differ_and_the_first_does_not_depend_on_their_number() -> None:
    three, one = (generate(autoregressive(), 2, count, HOW) for count in (3, 1))
    assert np.array_equal(three[0], one[0]) and not np.array_equal(three[0], three[1])


def test_with_rules_a_piece_neither_rests_nor_ends_before_its_last_measure() -> None:
    rules = VoiceLeadingRules(CHORALE_RANGES)
    free, kept, swept = (
        generate(autoregressive(), 4, count, replace(HOW, rules=given, sweeps=sweeps, particles=2))
        for given, sweeps, count in ((None, 0, 4), (rules, 0, 2), (rules, 1, 1))
    )
    inner = slice(MEASURE, -MEASURE)
    assert any((sounding(piece)[inner] == SILENCE).any() for piece in free)
    assert not any((sounding(piece)[inner] == SILENCE).any() for piece in [*kept, *swept])
    for measures in (1, 2):
        for piece in generate(autoregressive(), measures, 3, replace(HOW, rules=rules, particles=2)):
            assert not (sounding(piece)[-MEASURE:] == SILENCE).any()


def test_what_is_filled_rests_only_where_a_given_voice_does() -> None:
    grid = chorale(4)
    # a quarter's rest of the soprano
    grid[20] = REST, HELD, HELD, HELD
    answers = fill(autoregressive(), grid, [1, 2], 2, replace(HOW, rules=VoiceLeadingRules(CHORALE_RANGES)))
    rests = np.array([(sounding(piece)[:, [1, 2]] == SILENCE).any(1) for piece in answers]).any(0)
    assert set(np.flatnonzero(rests)) <= set(range(20, 24))
    is_given = np.tile([True, False, False, True], (len(grid), 1))
    assert np.flatnonzero(may_rest(grid, is_given)).tolist() == [20, 21, 22, 23]


@settings(max_examples=5, deadline=None)
@given(st.integers(-11, 11))
def test_a_melody_in_any_key_comes_back_where_it_was(shift: int) -> None:
    melody = transposed(chorale(2), shift)[:, :1]
    asked = Compose(task="harmonise", score=Path("melody.mid"), voices=("soprano",), particles=2)
    given_, answer = carry_out(autoregressive(), asked, melody, CHORALE_RANGES, 1)
    assert np.array_equal(given_.grid[:, :1], melody) and np.array_equal(answer.grid[:, :1], melody)
    assert (given_.name, given_.written) == ("given", ()) and answer.written == VOICES[1:]
    assert not (given_.grid[:, 1:] < REST - 1).any()


def test_the_smallest_way_into_the_ranges_is_taken() -> None:
    ranges = [Range(60, 64), Range(50, 52)]
    grid = np.full((MEASURE, 2), HELD, np.uint8)
    for low, high, shift in ((60, 50, 0), (59, 50, 1), (66, 56, -4), (60 + 12, 50 + 12, -10), (60, 90, -24)):
        grid[0] = low, high
        found = into_ranges(grid, ranges)
        outside = sum(not one.low <= note + found <= one.high for note, one in zip((low, high), ranges, strict=True))
        by_hand = [
            sum(not one.low <= note + by <= one.high for note, one in zip((low, high), ranges, strict=True))
            for by in range(-24, 25)
        ]
        assert outside == min(by_hand) and abs(found) <= abs(shift)


@pytest.mark.parametrize("task", ["fill", "generate"])
def test_what_does_not_stay_moves_nothing(task: str) -> None:
    # what stays lies in its ranges; the rest two octaves too high, and after the beginning everything
    grid = chorale(2)
    if task == "fill":
        asked = Compose(task="fill", score=Path("x.mid"), voices=("tenor", "bass"), particles=2)
        grid = np.concatenate([grid[:, :2], transposed(grid[:, 2:], 24)], 1)
    else:
        asked = Compose(task="generate", score=Path("x.mid"), beginning=1, measures=2)
        grid = np.concatenate([grid[:MEASURE], transposed(grid[MEASURE:], 30)])
    answers = carry_out(autoregressive(), asked, grid, CHORALE_RANGES, 1)
    counted = count_voice_leading(answers[-1].grid, CHORALE_RANGES)
    assert (counted.out_of_range, len(answers)) == (0, 2 if task == "fill" else 1)
    if task == "fill":
        assert np.array_equal(answers[0].grid, grid) and np.array_equal(answers[1].grid[:, :2], grid[:, :2])


def test_redone_pieces_are_shown_after_each_voice() -> None:
    asked = Compose(task="redo", score=Path("x.mid"), particles=2)
    answers = carry_out(autoregressive(), asked, chorale(1), CHORALE_RANGES, 1)
    assert [one.name for one in answers] == ["given", "1", "2", "3", "4"] and asked.answer == "4"
    assert [len(one.written) for one in answers] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("asked", "parts", "problem"),
    [
        ({"task": "generate", "score": "x.mid", "beginning": 3, "measures": 8}, 4, r"has 2 measures"),
        ({"task": "harmonise", "score": "x.mid", "voices": ["soprano", "alto"]}, 1, r"1 parts, but .* names 2"),
    ],
)
def test_a_score_that_does_not_fit_the_task_is_refused(asked: dict[str, Any], parts: int, problem: str) -> None:
    with pytest.raises(SamplingError, match=problem):
        carry_out(autoregressive(), Compose.model_validate(asked), chorale(2)[:, :parts], CHORALE_RANGES, 1)
