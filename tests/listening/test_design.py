"""Lists: every clip equally often, every row at every page, the same lists for the same seed."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from small_tests import small_test

from descant.config.listening import Listening
from descant.errors import ListeningError
from descant.listening.design import Cell, deal, make_lists, seat
from descant.listening.files import ABPage, Manifest, MosPage, RaterList

MODELS = ("alpha", "beta", "gamma")


def lists_of(
    items: int = 10, seed: int = 1, models: tuple[str, ...] = MODELS, **over: object
) -> tuple[Manifest, tuple[RaterList, ...]]:
    manifest, _ = small_test(models, items)
    return manifest, make_lists(manifest, Listening.model_validate(over), seed)


def heard(taken: RaterList) -> list[str]:
    return [page.stimulus for page in taken.pages if isinstance(page, MosPage)]


def pairs(taken: RaterList) -> list[tuple[str, str]]:
    return [(page.a, page.b) for page in taken.pages if isinstance(page, ABPage)]


@given(
    rows=st.integers(1, 12),
    items=st.integers(1, 12),
    raters=st.integers(1, 25),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 9),
)
def test_hands_are_balanced(rows: int, items: int, raters: int, share: float, seed: int) -> None:
    count = max(1, round(share * rows * items))
    hands = deal(rows, items, raters, count, np.random.default_rng(seed))
    assert all(len(set(hand)) == len(hand) == count for hand in hands)
    dealt = Counter(cell for hand in hands for cell in hand)
    of_cell = [dealt[Cell(row, item)] for row in range(rows) for item in range(items)]
    assert max(of_cell) - min(of_cell) <= 1
    for hand in hands:
        of_row = Counter(cell.row for cell in hand)
        counts = [of_row[row] for row in range(rows)]
        assert max(counts) - min(counts) <= 1


def test_items_are_spread_within_a_hand() -> None:
    hands = deal(8, 20, 40, 20, np.random.default_rng(0))
    most = [max(Counter(cell.item for cell in hand).values()) for hand in hands]
    at_random = np.random.default_rng(0)
    unspread = [np.bincount(at_random.choice(160, 20, replace=False) % 20).max() for _ in range(40)]
    assert np.mean(most) < np.mean(unspread) - 0.5


def test_positions_are_balanced_over_ten_thousand_assignments() -> None:
    manifest, lists = lists_of(items=20, raters=400)
    system = {stimulus.name: stimulus.system for stimulus in manifest.stimuli}
    rows = sorted({*MODELS, "real", "anchor_fidelity", "anchor_musicality"})
    table = np.zeros((len(lists[0].pages), len(rows)))
    for taken in lists:
        names = heard(taken)
        for name in dict.fromkeys(names):
            if system[name] in rows:
                table[names.index(name), rows.index(system[name])] += 1
    assert table.sum() >= 10000
    assert scipy.stats.chi2_contingency(table).pvalue > 0.01


def test_seats_are_nearer_to_even_than_chance() -> None:
    random = np.random.default_rng(0)
    hands = deal(6, 10, 60, 12, random)
    table = np.zeros((12, 6))
    for hand in seat(hands, [range(12)] * 60, 6, random):
        for place, cell in enumerate(hand):
            table[place, cell.row] += 1
    # 60 hands of 12 cells, each row twice: 10 at every place
    assert np.abs(table - 10).max() <= 1


def test_an_item_seldom_follows_itself() -> None:
    random = np.random.default_rng(0)
    hands = deal(6, 10, 60, 24, random)
    seated = seat(hands, [range(24)] * 60, 6, random)
    assert [sorted(hand, key=str) for hand in hands] == [sorted(hand, key=str) for hand in seated]
    follows = [sum(one.item == two.item for one, two in pairwise(hand)) for hand in seated]
    # at random, (24 - 1) pages x (24 / 10 - 1) / 23 other clips of the item make 1.4
    assert np.mean(follows) < 0.2


@pytest.mark.parametrize(("items", "raters", "pages"), [(10, 20, 30), (3, 7, 30), (20, 33, 18), (1, 2, 30)])
def test_every_list_has_all_that_it_needs(items: int, raters: int, pages: int) -> None:
    manifest, lists = lists_of(items, raters=raters, pages_per_rater=pages)
    kinds = {stimulus.name: stimulus for stimulus in manifest.stimuli}
    played: Counter[str] = Counter()
    for number, taken in enumerate(lists):
        assert taken.list == number
        assert [page.page for page in taken.pages] == list(range(len(taken.pages)))
        assert len(taken.pages) <= pages
        names = heard(taken)
        again = [name for name, count in Counter(names).items() if count > 1]
        assert len(names) == len(set(names)) + len(again)
        assert len(again) in {len(names) // 15, (len(names) - 1) // 15}
        for name in again:
            first, second = (place for place, other in enumerate(names) if other == name)
            assert second - first >= len(names) // 3
            assert kinds[name].kind in {"system", "real", "anchor"}
        systems = Counter(kinds[name].system for name in set(names))
        assert systems["control_noise"] == systems["control_real"] == 1
        assert kinds[names[0]].kind != "control"
        rows = [systems[row] for row in (*MODELS, "real", "anchor_fidelity", "anchor_musicality")]
        assert min(rows) >= 1 and max(rows) - min(rows) <= 1
        assert not any(kinds[name].kind == "training" for name in names)
        played.update(set(names))
    times = [played[s.name] for s in manifest.of_kind("system", "real", "anchor")]
    assert max(times) - min(times) <= 1


def test_pairs_are_of_one_item_and_their_order_is_balanced() -> None:
    manifest, lists = lists_of(items=8, raters=48, type="ab")
    known = {stimulus.name: stimulus for stimulus in manifest.stimuli}
    times: Counter[frozenset[str]] = Counter()
    first: Counter[tuple[str, str]] = Counter()
    for taken in lists:
        two = pairs(taken)
        kinds = [{known[a].system, known[b].system} for a, b in two]
        assert kinds.count({"control_noise", "control_real"}) == 1
        assert {"anchor_fidelity", "real"} in kinds and {"anchor_musicality", "real"} in kinds
        assert all(known[a].item == known[b].item and a != b for a, b in two)
        repeated = [pair for pair in two if pair[::-1] in two]
        assert len(repeated) == 2 * (len(two) // 15)
        for a, b in {tuple(sorted(pair)) for pair in two}:
            if {known[a].kind, known[b].kind} <= {"system", "real"}:
                times[frozenset((a, b))] += 1
        for a, b in dict.fromkeys(two):
            if {known[a].kind, known[b].kind} <= {"system", "real"} and (b, a) not in two[: two.index((a, b))]:
                first[known[a].system, known[b].system] += 1
    assert max(times.values()) - min(times.values()) <= 1
    assert len(times) == 6 * 8
    for a, b in first:
        assert abs(first[a, b] - first[b, a]) <= 8


def test_the_seed_decides() -> None:
    assert lists_of()[1] == lists_of()[1]
    assert lists_of()[1] != lists_of(seed=2)[1]


def test_too_few_pages_are_reported_with_how_many_it_takes() -> None:
    with pytest.raises(ListeningError, match="set it to 8 or more"):
        lists_of(pages_per_rater=7)
    assert len(lists_of(pages_per_rater=8)[1][0].pages) == 8


def test_lists_are_pinned() -> None:
    """Who changes how lists are dealt raises DESIGN_VERSION: a resumed rater must meet the list that was begun."""
    _, lists = lists_of(items=3, raters=2, pages_per_rater=9, models=("alpha", "beta"))
    assert [" ".join(name[-2:] for name in heard(taken)) for taken in lists] == [
        "0b 0f 0c 05 0a 10 03 04 07",
        "08 0d 0f 06 02 0e 01 00 10",
    ]
