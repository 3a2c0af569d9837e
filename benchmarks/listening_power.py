"""What listening tests of several sizes can find: python benchmarks/listening_power.py

Seven systems, real music and two anchors; lists, comparison and assumed standard deviations are the pipeline's own.
"""

import sys
from dataclasses import dataclass

from descant.config.listening import Listening
from descant.listening.design import make_lists
from descant.listening.files import SCALES, Kind, Manifest, Stimulus
from descant.listening.power import power_of

SYSTEMS = 7
SEED = 1


@dataclass(frozen=True)
class Size:
    """A test that somebody may plan."""

    kind: str
    items: int
    raters: int
    pages: int


SIZES = (
    Size("mos", 3, 20, 30),
    Size("mos", 10, 20, 30),
    Size("mos", 20, 20, 30),
    Size("mos", 20, 40, 30),
    Size("mos", 20, 20, 60),
    Size("mos", 40, 40, 60),
    Size("ab", 20, 20, 30),
    Size("ab", 20, 60, 30),
)


def manifest_of(size: Size, settings: Listening) -> Manifest:
    """A manifest without sounds."""
    rows: list[tuple[Kind, str]] = [("system", f"system{number}") for number in range(SYSTEMS)]
    rows += [("real", "real"), ("anchor", "anchor_fidelity"), ("anchor", "anchor_musicality")]
    clips = [(kind, system, item) for kind, system in rows for item in range(size.items)]
    alone: list[tuple[Kind, str, None]] = [("control", "control_noise", None), ("control", "control_real", None)]
    stimuli = [
        Stimulus(
            name=f"{number:016x}",
            kind=kind,
            system=system,
            item=item,
            file=f"{number:016x}.flac",
            sha256=f"{number:064x}",
            lufs=settings.lufs,
            loudness="integrated",
            true_peak_dbtp=settings.ceiling_dbtp,
        )
        for number, (kind, system, item) in enumerate([*clips, *alone])
    ]
    return Manifest(
        design="0" * 64, seconds=10, sample_rate=16000, scales=SCALES[settings.type], stimuli=tuple(stimuli)
    )


def main() -> None:
    """Print a Markdown table."""
    print("| type | items | raters | pages | ratings of a row | a mean, ± | found | false alarms |")
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        settings = Listening.model_validate({"type": size.kind, "raters": size.raters, "pages_per_rater": size.pages})
        manifest = manifest_of(size, settings)
        power = power_of(manifest, make_lists(manifest, settings, SEED), settings.type, settings.assumed, SEED)
        wide = "" if power.half_width is None else f"{power.half_width:.2f}"
        found = "none" if power.detectable is None else f"{power.detectable:.2f}"
        alarms = "" if power.false_alarms is None else f"{power.false_alarms:.3f}"
        ratings = power.ratings_per_row[0]
        print(
            f"| {size.kind} | {size.items} | {size.raters} | {size.pages} | {ratings} | {wide} | {found} | {alarms} |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
