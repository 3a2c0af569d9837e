"""How often intervals of listeners' scores cover the truth, and how often differences that are not there are found.

    python benchmarks/listening_intervals.py --draws 4000

Ratings are simulated: rater habits (standard deviation 0.5 point), item luck (0.4), residuals (0.8), which are guesses
of ours; rounded to 1, 2, 3, 4, 5 unless --no-rounded. A system's interval should cover the true mean in 95 % of
studies. Two systems of equal worth should differ in 5 %: each has luck of its own on every item, and raters have a
taste of their own for each, half of these variances. `pooled` takes all ratings for independent, as papers print them.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from scipy import stats
from tqdm import trange

from descant.listening.intervals import Cells, classical_sem, difference_interval, mean_interval

RATER, ITEM, RESIDUAL = 0.5, 0.4, 0.8
MEAN = 3.0


@dataclass(frozen=True)
class Study:
    raters: int
    items: int
    heard: int  # items that each rater hears, of each system

    @property
    def name(self) -> str:
        heard = "" if self.heard == self.items else f", {self.heard} of {self.items} heard"
        return f"{self.raters} raters x {self.items} items{heard}"


STUDIES = (
    Study(10, 10, 10),
    Study(20, 20, 20),
    Study(17, 30, 30),
    Study(48, 24, 24),
    Study(20, 20, 7),
    Study(20, 20, 3),
    Study(48, 24, 3),
    Study(20, 20, 1),
    Study(12, 3, 3),
)


def design(study: Study) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Who hears which item: each item as often as any other."""
    places = np.arange(study.raters * study.heard)
    return places // study.heard, places % study.items if study.heard == study.items else places * 7 % study.items


def draw(study: Study, systems: int, rounded: bool, random: np.random.Generator) -> list[Cells]:
    """Ratings of systems of equal worth by the same raters of the same items."""
    raters, items = design(study)
    habit, luck = random.normal(0, RATER, study.raters), random.normal(0, ITEM, study.items)
    cells = []
    for _ in range(systems):
        half = np.sqrt(0.5) if systems > 1 else 0.0
        keep = np.sqrt(1 - half**2)
        values = MEAN + random.normal(0, RESIDUAL, len(raters))
        values += (keep * habit + half * random.normal(0, RATER, study.raters))[raters]
        values += (keep * luck + half * random.normal(0, ITEM, study.items))[items]
        cells.append(Cells(np.clip(np.rint(values), 1, 5) if rounded else values, raters, items))
    return cells


def measure(study: Study, draws: int, rounded: bool, confidence: float, seed: int) -> dict[str, object]:
    """One row: coverage of both intervals, half widths, and the share of differences found where there is none."""
    random = np.random.default_rng(seed)
    pooled = two_way = found_pooled = found_two_way = 0
    halves: list[tuple[float, float]] = []
    for _ in trange(draws, desc=study.name, leave=False):
        (cells,) = draw(study, 1, rounded, random)
        sem, found = classical_sem(cells.values), mean_interval(cells, confidence)
        assert sem is not None and found.low is not None and found.high is not None
        halves.append((1.96 * sem, (found.high - found.low) / 2))
        pooled += abs(found.value - MEAN) <= 1.96 * sem
        two_way += found.low <= MEAN <= found.high
        first, second = draw(study, 2, rounded, random)
        difference = difference_interval(first, second, confidence)
        assert difference.p is not None
        found_two_way += difference.p < 1 - confidence
        found_pooled += stats.ttest_ind(first.values, second.values, equal_var=False).pvalue < 1 - confidence
    half_pooled, half_two_way = np.mean(halves, axis=0)
    return {
        "study": study.name,
        "pooled covers": f"{pooled / draws:.3f}",
        "half width": f"{half_pooled:.2f}",
        "two-way covers": f"{two_way / draws:.3f}",
        "its half width": f"{half_two_way:.2f}",
        "pooled finds what is not there": f"{found_pooled / draws:.3f}",
        "two-way finds": f"{found_two_way / draws:.3f}",
    }


def main(
    draws: Annotated[int, typer.Option(help="studies simulated for each row")] = 4000,
    rounded: Annotated[bool, typer.Option(help="round ratings to 1, 2, 3, 4, 5")] = True,
    seed: Annotated[int, typer.Option(help="of the simulation")] = 1,
) -> None:
    """Print the table."""
    rows = [measure(study, draws, rounded, 0.95, seed) for study in STUDIES]
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    typer.run(main)
