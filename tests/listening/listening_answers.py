"""Ratings as tests make them."""

from typing import Any

from descant.listening.answers import Answer


def answer(**over: Any) -> Answer:
    """A rating of the first page."""
    given: dict[str, Any] = {"page": 0, "scale": "fidelity", "value": 4, "revision": 1}
    return Answer(**{**given, "plays": 1, "heard_ms": 900, "rating_ms": 1500, **over})
