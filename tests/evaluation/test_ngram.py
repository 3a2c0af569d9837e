"""Witten-Bell n-grams: against a slow reference, to the last digit; probabilities; what more data may not do."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluation.ngram import WittenBell, from_own_past, pack, picked

CLASSES = 7


def slow(contexts: np.ndarray, tokens: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Distributions ``(rows, classes)`` by dictionaries, token by token."""
    levels: list[dict[int, Counter[int]]] = [defaultdict(Counter) for _ in contexts]
    for level, column in zip(levels, contexts, strict=True):
        for context, token in zip(column.tolist(), tokens.tolist(), strict=True):
            level[context][token] += 1
    found = np.empty((asked.shape[1], CLASSES))
    for row in range(asked.shape[1]):
        for token in range(CLASSES):
            p = 1 / CLASSES
            for level, column in zip(levels, asked, strict=True):
                counts = level.get(int(column[row]))
                if counts:
                    n, d = sum(counts.values()), len(counts)
                    p = (counts[token] + d * p) / (n + d)
            found[row, token] = p
    return found


@st.composite
def corpora(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contexts and tokens of training, and contexts that are asked for, some of them new."""
    levels, length, rows = draw(st.integers(1, 3)), draw(st.integers(0, 30)), draw(st.integers(1, 8))
    values = st.integers(0, 4)
    known = [draw(st.lists(values, min_size=length, max_size=length)) for _ in range(levels)]
    asked = [draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows)) for _ in range(levels)]
    tokens = draw(st.lists(st.integers(0, CLASSES - 1), min_size=length, max_size=length))
    return (
        np.array(known, np.uint64).reshape(levels, -1),
        np.array(tokens, np.uint8),
        np.array(asked, np.uint64),
    )


@given(corpora())
def test_it_is_what_the_slow_reference_computes(corpus: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    contexts, tokens, asked = corpus
    found = WittenBell(contexts, tokens, CLASSES).distribution(asked)
    assert found == pytest.approx(slow(contexts, tokens, asked), abs=1e-12)
    assert found.sum(1) == pytest.approx(1) and (found > 0).all()


@given(corpora(), corpora())
def test_more_data_make_no_training_token_impossible(
    first: tuple[np.ndarray, np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    levels = min(len(first[0]), len(second[0]))
    contexts = np.concatenate([first[0][:levels], second[0][:levels]], axis=1)
    tokens = np.concatenate([first[1], second[1]])
    if len(tokens):
        likelihood = picked(WittenBell(contexts, tokens, CLASSES).distribution(contexts), tokens)
        # in the most exact context it was counted: c ≥ 1, n + d ≤ 2n
        assert (likelihood >= 1 / (2 * len(tokens))).all()


def test_one_level_by_hand() -> None:
    counted = WittenBell(np.zeros((1, 3), np.uint64), np.array([0, 0, 1], np.uint8), 4)
    found = counted.distribution(np.array([[0, 9]], np.uint64))
    # n = 3, d = 2: (c + 2/4) / 5
    assert found[0] == pytest.approx([0.5, 0.3, 0.1, 0.1]) and found[1] == pytest.approx([0.25] * 4)


@given(st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=9))
def test_packed_contexts_differ_where_columns_do(rows: list[list[int]]) -> None:
    packed = pack(*np.array(rows).T)
    assert len(set(packed.tolist())) == len({tuple(row) for row in rows})
    assert pack(1, np.array([2, 3])).tolist() == [1 + 2 * 256, 1 + 3 * 256]
    with pytest.raises(ValueError, match="64 bits"):
        pack(*range(9))


@given(corpora())
def test_what_a_sequence_says_of_itself_is_what_its_beginning_was_counted_to_say(
    corpus: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    contexts, tokens, _ = corpus
    shares, met = from_own_past(contexts, tokens, CLASSES)
    for at in range(len(tokens)):
        known, asked = contexts[:, :at], contexts[:, at : at + 1]
        expected = picked(WittenBell(known, tokens[:at], CLASSES).distribution(asked), tokens[at : at + 1])
        assert shares[at] == pytest.approx(expected[0])
        assert met[at] == (known == asked).any(1).sum()
