"""The bar that networks have to pass: the first row that was not trained."""

import pytest

from descant.evaluation.bar import passing_in_words


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ({"a": "2.0", "b": "1.5", "c": "2.5"}, "A needs 2.00 bits with no training at all"),
        ({"a": "2.0", "b": "1.5", "c": "2.5"}, "1 of 2 rows needs fewer (B)."),
        ({"a": "1.0", "b": "1.5", "c": ""}, "0 of 1 row need fewer (none)."),
        ({"b": "1.5"}, ""),
        ({"a": "", "b": "1.5"}, ""),
    ],
)
def test_the_untrained_row_is_the_bar(bits: dict[str, str], said: str) -> None:
    table = [
        {"title": name.upper(), "bits_per_sample": value, "trained_steps": "0" if name == "a" else "400"}
        for name, value in bits.items()
    ]
    words = passing_in_words(table)
    assert said in words if said else words == ""


def test_a_row_that_keeps_the_weights_of_a_trained_network_is_no_bar() -> None:
    fresh = {"title": "A", "bits_per_sample": "2.0", "trained_steps": "0", "beginning": "from fresh weights"}
    kept = {"title": "B", "bits_per_sample": "1.5", "trained_steps": "0", "beginning": "fine-tuned"}
    assert passing_in_words([kept, fresh]).startswith("A needs 2.00 bits") and passing_in_words([kept]) == ""


def test_a_table_of_before_has_no_bar() -> None:
    assert passing_in_words([{"title": "A", "bits_per_sample": "2.0"}]) == ""
