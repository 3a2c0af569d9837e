"""Ratings that tests draw: raters, items and systems with effects of their own."""

import numpy as np
import pandas as pd

DESIGN = "d" * 64


def ratings_table(
    means: dict[str, float],
    raters: int,
    items: int,
    seed: int = 0,
    scale: str = "fidelity",
    spread: tuple[float, float, float] = (0.5, 0.4, 0.8),
) -> pd.DataFrame:
    """Every rater rates every item of every system, rounded to 1 to 5.

    Args:
        means: true score by system.
        raters: how many.
        items: of each system.
        seed: of the draws.
        scale: what is rated.
        spread: standard deviations of raters, items and residuals.
    """
    random = np.random.default_rng(seed)
    habit, luck = random.normal(0, spread[0], raters), random.normal(0, spread[1], items)
    rows = []
    for rater in range(raters):
        for place, (system, mean) in enumerate(means.items()):
            for item in range(items):
                value = mean + habit[rater] + luck[item] + random.normal(0, spread[2])
                rows.append(
                    {
                        "session": f"s{rater:03}",
                        "page": place * items + item,
                        "position": place * items + item,
                        "stimulus": f"{system}{item}",
                        "system": system,
                        "item": item,
                        "kind": "real" if system == "real" else "anchor" if system.startswith("anchor") else "system",
                        "scale": scale,
                        "value": float(np.clip(np.rint(value), 1, 5)),
                        "comment": "",
                        "source": "people",
                        "design": DESIGN,
                    }
                )
    return pd.DataFrame(rows)
