"""The population's section: what cannot be tuned is shown before anything is trained."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from descant.config.networks import ADA

RATE = {"training.learning_rate": {"least": 1e-4, "most": 0.1}}


@pytest.fixture
def with_population(tiny_ada: Callable[..., ADA]) -> Callable[..., ADA]:
    def build(ada: dict[str, Any] | None = None, **population: Any) -> ADA:
        plain = tiny_ada(**{"jitter": 0.1, **(ada or {})})
        return ADA.model_validate({**plain.model_dump(), "population": {"tuned": RATE, **population}})

    return build


def test_what_can_be_tuned_are_the_real_valued_keys(with_population: Callable[..., ADA]) -> None:
    ada = with_population()
    real = ada.real_settings()
    assert real["training.learning_rate"] == 0.01 and real["jitter"] == 0.1
    assert {"bottleneck.commitment", "bottleneck.ema_decay", "training.schedule.decay_from"} <= set(real)
    for shape in ("hop", "training.steps", "bottleneck.classes", "encoder.normalise", "bottleneck.kind"):
        assert shape not in real


def test_a_null_is_not_tuned(with_population: Callable[..., ADA]) -> None:
    population = with_population(tuned={**RATE, "jitter": None}).population
    assert population is not None and set(population.tuned) == set(RATE)


def test_tuned_settings_are_put_in_their_places_and_nothing_else_changes(with_population: Callable[..., ADA]) -> None:
    ada = with_population()
    values = {"training.learning_rate": 0.003, "bottleneck.commitment": 0.7, "jitter": 0.2}
    tuned = ada.tuned(values)
    assert tuned.population is None
    assert {name: tuned.real_settings()[name] for name in values} == values
    assert tuned.tuned({name: ada.real_settings()[name] for name in values}) == ada.tuned({})


@pytest.mark.parametrize(
    ("population", "words"),
    [
        ({"generations": 5}, ["training.steps is 12", "(5)", "set it to 15"]),
        ({"tuned": {}}, ["tuned", "at least 1"]),
        ({"tuned": {"training.learning_rte": RATE["training.learning_rate"]}}, ["'training.learning_rte'", "are"]),
        ({"tuned": {"hop": {"least": 2, "most": 8}}}, ["'hop'", "no real-valued key"]),
        ({"tuned": {"training.steps": {"least": 2, "most": 8}}}, ["'training.steps'"]),
        ({"tuned": {"training.learning_rate": {"least": 0.1, "most": 0.01}}}, ["least", "smaller"]),
        ({"tuned": {"training.learning_rate": {"least": 0.1, "most": 0.2}}}, ["is 0.01", "outside", "0.1 to 0.2"]),
        ({"tuned": {"training.learning_rate": {"least": 0, "most": 0.2}}}, ["least", "greater than 0"]),
        ({"tuned": {"bottleneck.ema_decay": {"least": 0.5, "most": 1.2}}}, ["bottleneck.ema_decay goes to 1.2"]),
        ({"tuned": {"jitter": {"least": 0.01, "most": 0.6}}}, ["jitter goes to 0.6", "less than 0.5"]),
        ({"members": 1}, ["members", "2"]),
        ({"exploit": 0.6}, ["exploit", "0.5"]),
        ({"factors": [0.8, 1.0]}, ["factors", "one below and one above 1"]),
        ({"factors": [2, 4]}, ["factors", "one below and one above 1"]),
        ({"tuned": {"training.learning_rate": {"least": 1e-3, "most": float("inf")}}}, ["most", "finite"]),
        ({"size": 3}, ["size", "Extra"]),
    ],
)
def test_a_mistake_is_reported(
    with_population: Callable[..., ADA], population: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ValidationError) as shown:
        with_population(**population)
    assert [word for word in words if word not in str(shown.value)] == []
