"""Who hears what, in which order: balanced incomplete lists, a pure function of the stimuli, the settings and the seed.

The rows of a ``mos`` test are its systems, real music and the two low anchors; every row has every item. The rows of an
``ab`` test are the pairs of systems, real music among them, on the same item. Four things are balanced:

- every list has every row equally often, give or take one, so that no rater sees only good or only bad systems;
- every clip, or pair of clips, is dealt equally often: each row's items are dealt like a deck of cards, which
  is shuffled again when it is used up;
- every row stands at every page of a list equally often;
- within a list, items are spread over rows, and clips of one item are kept apart where that can be done.

To these comes what every list has: the controls, and, one for so many pages, a clip of its first third again in its
last third. In an ``ab`` test the control is a pair, a repeated pair is turned round, and each low anchor stands once
beside real music.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import scipy.optimize

from descant.config.listening import Listening
from descant.errors import ListeningError
from descant.listening.files import REAL, ABPage, Kind, Manifest, MosPage, RaterList, TestType
from descant.seeds import derive_seed

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cell:
    """A row of the test and one of its items; numbers from 0."""

    row: int
    item: int


@dataclass(frozen=True)
class Unit:
    """What one page plays: a clip, or two in this order."""

    names: tuple[str, ...]

    def page(self, number: int) -> MosPage | ABPage:
        """The page that plays it."""
        if len(self.names) == 1:
            return MosPage(page=number, stimulus=self.names[0])
        return ABPage(page=number, a=self.names[0], b=self.names[1])

    def turned(self) -> "Unit":
        """The other order."""
        return Unit(self.names[::-1])


@dataclass(frozen=True)
class Row:
    """A system, or a pair of them, and what it plays for each item ``(items,)``."""

    name: str
    units: tuple[Unit, ...]


def rows_of(manifest: Manifest, kind: TestType) -> list[Row]:
    """The rows of a test, by name."""
    compared: tuple[Kind, ...] = ("system", "real", "anchor") if kind == "mos" else ("system", "real")
    named: dict[str, dict[int, str]] = {}
    for stimulus in manifest.of_kind(*compared):
        named.setdefault(stimulus.system, {})[stimulus.item or 0] = stimulus.name
    single = {name: [of_item[item] for item in sorted(of_item)] for name, of_item in sorted(named.items())}
    if kind == "mos":
        return [Row(name, tuple(Unit((clip,)) for clip in clips)) for name, clips in single.items()]
    pairs = combinations(single, 2)
    return [Row(f"{a} {b}", tuple(Unit(two) for two in zip(single[a], single[b], strict=True))) for a, b in pairs]


def make_lists(manifest: Manifest, settings: Listening, seed: int) -> tuple[RaterList, ...]:
    """Make a list for every planned rater.

    Args:
        manifest: of the stimuli.
        settings: the section of the configuration.
        seed: root seed.

    Raises:
        ListeningError: when a list has fewer pages than it needs for every row of the test once.
    """
    random = np.random.default_rng(derive_seed(seed, "listening", "lists"))
    rows = rows_of(manifest, settings.type)
    items = len(rows[0].units)
    fixed = _always_heard(manifest, settings)
    always = len(fixed)
    held = len(rows) * items
    repeats = min(settings.pages_per_rater, held + always) // settings.repeat_every
    length = min(settings.pages_per_rater, held + always + repeats)
    dealt = length - always - repeats
    # every rater hears every row; there can be too many pairs for that
    if dealt < (len(rows) if settings.type == "mos" else 1):
        needed = (len(rows) if settings.type == "mos" else 1) + always + repeats
        raise ListeningError(
            f"listening.pages_per_rater is {settings.pages_per_rater}, too few for every row of the test once",
            f"set it to {needed} or more, or name fewer listening.models",
        )
    hands = deal(len(rows), items, settings.raters, dealt, random)
    seats = [_seats(length, always, repeats, random) for _ in hands]
    seated = seat(hands, [seat.dealt for seat in seats], len(rows), random)
    turned = random.integers(2, size=(len(rows), items)).astype(bool)
    lists = []
    for number, (cells, taken) in enumerate(zip(seated, seats, strict=True)):
        pages: dict[int, Unit] = {}
        for place, cell in zip(taken.dealt, cells, strict=True):
            unit = rows[cell.row].units[cell.item]
            pages[place] = unit.turned() if turned[cell.row, cell.item] else unit
            turned[cell.row, cell.item] ^= True
        for place, units in zip(taken.always, fixed, strict=True):
            unit = units[number % len(units)]
            pages[place] = unit.turned() if random.integers(2) else unit
        for first, again in zip(taken.repeated, taken.again, strict=True):
            pages[again] = pages[first].turned()
        lists.append(RaterList(list=number, pages=tuple(pages[place].page(place) for place in range(length))))
    return tuple(lists)


def _always_heard(manifest: Manifest, settings: Listening) -> list[list[Unit]]:
    """What every list has besides its hand; of several choices, the lists take turns."""
    controls = [stimulus.name for stimulus in manifest.of_kind("control")]
    if settings.type == "mos":
        return [[Unit((name,))] for name in controls]
    of_item = {(stimulus.system, stimulus.item): stimulus.name for stimulus in manifest.of_kind("real", "anchor")}
    items = sorted(item for system, item in of_item if system == REAL and item is not None)
    lows = sorted({system for system, _ in of_item} - {REAL})
    beside = [[Unit((of_item[low, item], of_item[REAL, item])) for item in items] for low in lows]
    return [[Unit(tuple(controls))], *beside]


@dataclass(frozen=True)
class _Seats:
    """Pages of a list: of the hand, of what is always heard, of the repeated and where they are heard again."""

    dealt: list[int]
    always: list[int]
    repeated: list[int]
    again: list[int]


def _seats(length: int, always: int, repeats: int, random: np.random.Generator) -> _Seats:
    third = length // 3
    again = random.choice(np.arange(length - third, length), repeats, replace=False)
    # nobody starts with a control
    free = np.setdiff1d(np.arange(1, length), again)
    fixed = random.choice(free, always, replace=False)
    dealt = np.setdiff1d(np.arange(length), np.concatenate([again, fixed]))
    repeated = random.choice(dealt[: max(third, repeats)], repeats, replace=False)
    return _Seats(dealt.tolist(), fixed.tolist(), repeated.tolist(), again.tolist())


def deal(rows: int, items: int, raters: int, count: int, random: np.random.Generator) -> list[list[Cell]]:
    """Deal every rater a hand of different cells.

    Over all hands, any two cells differ by at most one; within a hand, so do any two rows.

    Args:
        rows: of the test.
        items: of every row.
        raters: how many hands.
        count: cells in a hand, at most rows x items.
        random: generator.

    Returns:
        A hand for each rater, in no order.
    """
    turn = random.permutation(rows)
    decks: list[list[int]] = [[] for _ in range(rows)]
    hands = []
    for rater in range(raters):
        # the hand goes on in the rows' turn where the one before ended
        shares = np.bincount(turn[np.arange(rater * count, (rater + 1) * count) % rows], minlength=rows)
        hand: list[Cell] = []
        heard = np.zeros(items, dtype=np.int64)
        for row in random.permutation(rows):
            for _ in range(shares[row]):
                if not decks[row]:
                    decks[row] = random.permutation(items).tolist()
                held = {cell.item for cell in hand if cell.row == row}
                free = [item for item in decks[row] if item not in held]
                item = min(free, key=lambda item: heard[item])
                decks[row].remove(item)
                heard[item] += 1
                hand.append(Cell(int(row), item))
        hands.append(hand)
    return hands


def seat(
    hands: Sequence[Sequence[Cell]], places: Sequence[Sequence[int]], rows: int, random: np.random.Generator
) -> list[list[Cell]]:
    """Order every hand so that each row stands at each place equally often.

    Each hand in turn takes the assignment of its cells to its places that the hands before used least (Hungarian
    method); ties fall at random. Then cells of one row change places where that parts two of one item.

    Args:
        hands: of the raters.
        places: pages of each hand, rising.
        rows: of the test.
        random: generator.

    Returns:
        The hands, each in the order of its places.
    """
    used = np.zeros((max(max(own) for own in places) + 1, rows))
    seated = []
    for hand, own in zip(hands, places, strict=True):
        of_cell = np.array([cell.row for cell in hand])
        cost = used[np.array(own)[:, None], of_cell]
        _, chosen = scipy.optimize.linear_sum_assignment(cost + random.random(cost.shape) / 2 / len(own))
        used[own, of_cell[chosen]] += 1
        seated.append(_part([hand[cell] for cell in chosen]))
    return seated


def _part(cells: list[Cell]) -> list[Cell]:
    """Keep one item from following itself, as far as exchanges within a row do."""
    order = list(cells)

    def touching() -> int:
        return sum(one.item == two.item for one, two in pairwise(order))

    now = touching()
    for first, second in combinations(range(len(order)), 2):
        if not now:
            break
        if order[first].row == order[second].row:
            order[first], order[second] = order[second], order[first]
            after = touching()
            if after < now:
                now = after
            else:
                order[first], order[second] = order[second], order[first]
    return order
