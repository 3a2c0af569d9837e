"""Timbres by name or place: found by a part of it, mixtures are means, and moments are joined by straight lines."""

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.config.mel2mel import Mel2Mel
from descant.config.play import Play
from descant.errors import PlayError
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.timbre import TimbreOverTime, find_instrument, point_of

NAMES = ("Acoustic Grand Piano", "Bright Acoustic Piano", "Church Organ", "Trumpet")
SECTION = Mel2Mel.model_validate({"width": 4, "training": {"steps": 1, "batch": 1, "window": 8}})
SYSTEM = Mel2MelSystem(SECTION, bands=5, keys=3, instruments=len(NAMES))
POINTS = SYSTEM.timbres.table.weight.detach()


def timbre_of(instrument: Any) -> TimbreOverTime:
    return TimbreOverTime(Play.model_validate({"score": "x.mid", "instrument": instrument}), SYSTEM, NAMES, 10.0)


@pytest.mark.parametrize(("wanted", "place"), [("trumpet", 3), ("ORGAN", 2), ("grand", 0), ("church organ", 2)])
def test_an_instrument_is_found_by_its_name_or_a_part_of_it(wanted: str, place: int) -> None:
    assert find_instrument(wanted, NAMES) == place


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("piano", "could be Acoustic Grand Piano, Bright Acoustic Piano"), ("oboe", "not learnt"), ("", "not learnt")],
)
def test_what_cannot_be_meant_is_refused_with_the_names_that_can(wanted: str, said: str) -> None:
    with pytest.raises(PlayError, match=said) as shown:
        find_instrument(wanted, NAMES)
    assert all(name in shown.value.cure for name in NAMES)


def test_a_name_that_is_another_s_beginning_means_itself() -> None:
    assert find_instrument("Trumpet", ("Muted Trumpet", "Trumpet")) == 1


@given(st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_mixture_lies_between_its_instruments_by_their_shares(first: float, second: float) -> None:
    found = point_of({"trumpet": first, "organ": second}, SYSTEM, NAMES)
    torch.testing.assert_close(found, (first * POINTS[3] + second * POINTS[2]) / (first + second))


def test_a_point_is_an_instrument_s_where_it_lies_there() -> None:
    for name, place in zip(NAMES, POINTS, strict=True):
        given_as_text = json.loads(json.dumps(place.tolist()))
        assert torch.equal(timbre_of(given_as_text)(0, 3), timbre_of(name)(0, 3))


@pytest.mark.parametrize("wrong", [[0.3], [0.3, -1.2, 4], [{"at": 2, "instrument": [0.3]}]])
def test_a_point_of_another_space_is_refused_with_one_of_this(wrong: list[Any]) -> None:
    with pytest.raises(PlayError, match="the space of timbres has 2") as shown:
        timbre_of(wrong)
    assert f"give 2 numbers, such as Acoustic Grand Piano's: [{POINTS[0, 0]:.2f}, " in shown.value.cure


def test_one_instrument_is_the_same_in_every_frame() -> None:
    torch.testing.assert_close(timbre_of("trumpet")(3, 8), POINTS[3].expand(5, -1))


def test_between_moments_the_timbre_moves_in_a_straight_line_and_beyond_them_it_stays() -> None:
    moving = timbre_of([{"at": 1, "instrument": "trumpet"}, {"at": 3, "instrument": "organ"}])
    found, way = moving(0, 41), POINTS[2] - POINTS[3]
    torch.testing.assert_close(found[:11], POINTS[3].expand(11, -1))
    torch.testing.assert_close(found[20], POINTS[3] + way / 2)
    torch.testing.assert_close(found[30:], POINTS[2].expand(11, -1))
    torch.testing.assert_close(found[10:31], POINTS[3] + torch.arange(21)[:, None] / 20 * way)
    torch.testing.assert_close(torch.cat([moving(0, 17), moving(17, 41)]), found)
