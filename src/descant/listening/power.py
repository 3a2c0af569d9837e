"""What a planned test can find: simulated ratings of its own lists, compared as the analysis compares real ones.

A rating is the row's mean + its rater's + its clip's deviation + a residual, all normal, neither rounded nor cut to the
scale; of two clips the one with the higher rating is preferred. Two clips of one item share nothing but the number:
without a prime, the same seed gives different music in two systems. Nobody is screened out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.stats
from tqdm import tqdm

from descant.config.listening import Spread
from descant.listening.design import rows_of
from descant.listening.files import Manifest, MosPage, Power, RaterList, TestType
from descant.listening.intervals import Cells, TwoWay, difference_interval, mean_interval, preference_interval
from descant.seeds import derive_seed

DRAWS = 600
LEVEL = 0.95
WANTED = 0.8
SCALE_WIDTH = 4.0
# a larger share is no longer a matter of power
HIGHEST_SHARE = 0.99
STEPS = 8
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """The ratings that a test's lists ask for, each clip (for ``ab``, each pair) once a list; controls are left out.

    Attributes:
        raters: number of the rater of each rating ``(ratings,)``.
        rows: number of the row, in the order of the design ``(ratings,)``.
        items: number of the item ``(ratings,)``.
        shape: rows and items of the test.
    """

    raters: Labels
    rows: Labels
    items: Labels
    shape: tuple[int, int]

    def of_row(self, row: int) -> npt.NDArray[np.bool_]:
        """Which ratings are of a row ``(ratings,)``."""
        return np.asarray(self.rows == row)


@dataclass(frozen=True)
class _Found:
    """See the fields of the same names in :class:`Power`."""

    half_width: float | None
    detectable: float | None
    false_alarms: float | None


def plan_of(manifest: Manifest, lists: Sequence[RaterList], kind: TestType) -> Plan:
    """Read the planned ratings off the lists."""
    rows = rows_of(manifest, kind)
    place = {frozenset(unit.names): (r, i) for r, row in enumerate(rows) for i, unit in enumerate(row.units)}
    found: list[tuple[int, int, int]] = []
    for taken in lists:
        clips = (frozenset((page.stimulus,) if isinstance(page, MosPage) else (page.a, page.b)) for page in taken.pages)
        found += [(taken.list, *place[unit]) for unit in dict.fromkeys(clips) if unit in place]
    raters, of_row, items = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Plan(raters, of_row, items, (len(rows), len(rows[0].units)))


def power_of(
    manifest: Manifest, lists: Sequence[RaterList], kind: TestType, assumed: Spread, seed: int, draws: int = DRAWS
) -> Power:
    """Simulate a test as it is planned.

    Args:
        manifest: of the stimuli.
        lists: one for each planned rater.
        kind: ``mos`` or ``ab``.
        assumed: standard deviations.
        seed: root seed.
        draws: simulated tests.
    """
    plan = plan_of(manifest, lists, kind)
    simulate = _of_scores if kind == "mos" else _of_preferences
    found = simulate(plan, assumed, derive_seed(seed, "listening", "power"), draws)
    rows, items = plan.shape
    of_row = np.bincount(plan.rows, minlength=rows)
    of_clip = np.bincount(plan.rows * items + plan.items, minlength=rows * items)
    return Power(
        draws=draws,
        level=LEVEL,
        assumed=assumed.model_dump(),
        ratings_per_row=(int(of_row.min()), int(of_row.max())),
        ratings_per_stimulus=(int(of_clip.min()), int(of_clip.max())),
        half_width=found.half_width,
        detectable=found.detectable,
        false_alarms=found.false_alarms,
    )


def _of_scores(plan: Plan, assumed: Spread, seed: int, draws: int) -> _Found:
    random = np.random.default_rng(seed)
    rows, items = plan.shape
    widths, shortfalls, alarms = [], [], []
    for draw in tqdm(range(draws), desc="power", unit="test", mininterval=5):
        of_rater = random.normal(0, assumed.rater, plan.raters.max() + 1)
        of_clip = random.normal(0, assumed.item, (rows, items))
        residual = random.normal(0, assumed.residual, len(plan.rows))
        values = of_rater[plan.raters] + of_clip[plan.rows, plan.items] + residual
        # the rows take turns, each with its neighbour
        pair = [
            Cells(values[of], plan.raters[of], plan.items[of])
            for of in map(plan.of_row, (draw % rows, (draw + 1) % rows))
        ]
        difference, mean = difference_interval(pair[0], pair[1], LEVEL), mean_interval(pair[0], LEVEL)
        if difference.high is None or mean.high is None:
            return _Found(None, None, None)
        # a true difference moves the estimate and leaves its interval's width
        half = difference.high - difference.value
        shortfalls.append(half - difference.value)
        alarms.append(abs(difference.value) > half)
        widths.append(mean.high - mean.value)
    found = float(np.quantile(shortfalls, WANTED))
    return _Found(
        round(float(np.median(widths)), 3),
        round(found, 3) if found <= SCALE_WIDTH else None,
        round(float(np.mean(alarms)), 3),
    )


def _of_preferences(plan: Plan, assumed: Spread, seed: int, draws: int) -> _Found:
    random = np.random.default_rng(seed)
    rows, items = plan.shape
    # raters' deviations are the same for both clips; two clips and two residuals go into a comparison
    of_clip = random.normal(0, assumed.item * np.sqrt(2), (draws, items))
    chosen = [plan.of_row(draw % rows) for draw in range(draws)]
    margins = [
        clips[plan.items[of]] + random.normal(0, assumed.residual * np.sqrt(2), int(of.sum()))
        for clips, of in zip(of_clip, chosen, strict=True)
    ]

    def found_at(difference: float) -> float | None:
        results = [
            preference_interval(Cells((own + difference > 0) - 0.5, plan.raters[of], plan.items[of]), LEVEL)
            for own, of in zip(margins, chosen, strict=True)
        ]
        return _share_found(results)

    alarms = found_at(0.0)
    if alarms is None:
        return _Found(None, None, None)
    spread = float(np.hypot(assumed.item, assumed.residual) * np.sqrt(2))
    low, high = 0.0, spread * float(scipy.stats.norm.ppf(HIGHEST_SHARE))
    detectable = _smallest(found_at, low, high)
    share = None if detectable is None else round(float(scipy.stats.norm.cdf(detectable / spread)), 3)
    return _Found(None, share, round(alarms, 3))


def _share_found(results: Sequence[TwoWay]) -> float | None:
    """Share of intervals that lie above or below 0; None where none is defined."""
    ends = [(result.low, result.high) for result in results if result.low is not None and result.high is not None]
    return float(np.mean([low > 0 or high < 0 for low, high in ends])) if ends else None


def _smallest(found_at: Callable[[float], float | None], low: float, high: float) -> float | None:
    """By bisection, the smallest difference that is found often enough; None when the largest is not."""
    if (found_at(high) or 0.0) < WANTED:
        return None
    for _ in tqdm(range(STEPS), desc="power", unit="step", mininterval=5):
        middle = (low + high) / 2
        if (found_at(middle) or 0.0) < WANTED:
            low = middle
        else:
            high = middle
    return high
