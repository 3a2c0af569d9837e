"""Synthetic raters with given variances: they drive the whole chain before anybody is asked, and are never people.

A rating is the clip's true score + the rater's habit + the item's luck + a residual, rounded to the scale 1 to 5. True
scores and standard deviations are ours, or given; what comes out says how wide intervals will be, not what people hear.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from descant.config.listening import Spread
from descant.listening.answers import Answer
from descant.listening.files import ABPage, Design, Manifest, Stimulus
from descant.listening.store import Store
from descant.seeds import derive_seed

LOWEST, HIGHEST = 1, 5
REAL_SCORE = 4.5
ANCHOR_SCORE = 1.5
# anchors are bad on their own scale and fair on the other
OTHER_SCORE = 3.0
# the rows lie evenly between these
WORST_SYSTEM, BEST_SYSTEM = 2.0, 3.5


@dataclass(frozen=True)
class SimulatedRating:
    """One rating of a synthetic rater.

    Attributes:
        rater: which, counting from 0.
        list: the list that the rater was given.
        page: of that list.
        scale: what is rated.
        value: 1 to 5; for a preference 1 (the first clip) or 2.
    """

    rater: int
    list: int
    page: int
    scale: str
    value: int


def true_scores(manifest: Manifest) -> dict[str, dict[str, float]]:
    """True score of every system by scale: models evenly apart in the order of their names, best first; ours.

    Args:
        manifest: of the test.
    """
    models = sorted({stimulus.system for stimulus in manifest.of_kind("system")})
    steps = np.linspace(BEST_SYSTEM, WORST_SYSTEM, max(2, len(models)))
    means = {"real": REAL_SCORE, **{model: float(step) for model, step in zip(models, steps, strict=False)}}
    scores = {system: dict.fromkeys(("fidelity", "musicality"), mean) for system, mean in means.items()}
    scores["anchor_fidelity"] = {"fidelity": ANCHOR_SCORE, "musicality": OTHER_SCORE}
    scores["anchor_musicality"] = {"fidelity": OTHER_SCORE, "musicality": ANCHOR_SCORE}
    return scores


def simulate_ratings(
    manifest: Manifest,
    design: Design,
    raters: int,
    spread: Spread,
    careless: float,
    seed: int,
    scores: Mapping[str, Mapping[str, float]],
) -> list[SimulatedRating]:
    """Ratings of synthetic raters, each of whom takes the next list in turn and rates all of it.

    Args:
        manifest: of the test.
        design: of the test.
        raters: how many.
        spread: standard deviations, in points.
        careless: share of raters who rate at random, so that screening has something to find.
        seed: root seed.
        scores: true score of every system by scale.
    """
    random = np.random.Generator(np.random.Philox(derive_seed(seed, "simulated raters")))
    stimuli = manifest.by_name()
    luck = _item_luck(manifest, spread, random)
    ratings = []
    for rater in range(raters):
        of = design.lists[rater % len(design.lists)]
        habit = {scale: random.normal(0, spread.rater) for scale in manifest.scales}
        at_random = random.random() < careless
        for page in of.pages:
            for scale in manifest.scales:
                if isinstance(page, ABPage):
                    first, second = (
                        _true(stimuli[name], "fidelity", scores)
                        + _true(stimuli[name], "musicality", scores)
                        + luck[name, scale]
                        + random.normal(0, spread.residual)
                        for name in (page.a, page.b)
                    )
                    value = int(random.integers(1, 3)) if at_random else 1 if first > second else 2
                else:
                    stimulus = stimuli[page.stimulus]
                    heard = _true(stimulus, scale, scores) + habit[scale] + luck[stimulus.name, scale]
                    heard += random.normal(0, spread.residual)
                    value = int(np.clip(np.rint(heard), LOWEST, HIGHEST))
                    if at_random:
                        value = int(random.integers(LOWEST, HIGHEST + 1))
                ratings.append(SimulatedRating(rater, of.list, page.page, scale, value))
    return ratings


def _item_luck(manifest: Manifest, spread: Spread, random: np.random.Generator) -> dict[tuple[str, str], float]:
    """What a clip is better or worse than its system; half of its variance is shared by all clips of the item."""
    shared: dict[tuple[int | None, str], float] = {}
    luck = {}
    for stimulus in manifest.stimuli:
        for scale in manifest.scales:
            common = shared.setdefault((stimulus.item, scale), random.normal(0, spread.item))
            own = random.normal(0, spread.item)
            luck[stimulus.name, scale] = 0.0 if stimulus.kind == "control" else float((common + own) / np.sqrt(2))
    return luck


def _true(stimulus: Stimulus, scale: str, scores: Mapping[str, Mapping[str, float]]) -> float:
    if stimulus.expected is not None and scale in stimulus.expected:
        low, high = stimulus.expected[scale]
        # someone who listens is well within the range: at its outer end
        return float(low if low == LOWEST else high)
    return scores[stimulus.system][scale]


def store_ratings(store: Store, manifest: Manifest, design: Design, ratings: list[SimulatedRating], seed: int) -> None:
    """Put simulated ratings through the store, as the server does people's; the same seed gives the same sessions.

    Args:
        store: of source ``simulated``.
        manifest: of the test.
        design: of the test.
        ratings: of all raters.
        seed: root seed.

    Raises:
        ListeningError: when the file holds other ratings of these sessions.
    """
    store.add_test(manifest, design)
    heard = round(1000 * manifest.seconds)
    by_rater: dict[int, list[SimulatedRating]] = {}
    for rating in ratings:
        by_rater.setdefault(rating.rater, []).append(rating)
    for rater, given in tqdm(by_rater.items(), desc="sessions"):
        name = hashlib.sha256(f"simulated {design.design} {seed} {rater}".encode()).hexdigest()[:32]
        session = store.bring(design.design, given[0].list, name)
        answers = [
            Answer(
                page=rating.page,
                scale=rating.scale,
                value=rating.value,
                revision=1,
                plays=1,
                heard_ms=heard,
                rating_ms=heard,
            )
            for rating in given
        ]
        store.save(session.session, answers)
