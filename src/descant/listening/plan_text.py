"""A planned listening test in words, for the terminal."""

from descant.listening.files import Design, Manifest, Power

ENOUGH_RATERS = 20
ENOUGH_ITEMS = 20


def plan_in_words(manifest: Manifest, design: Design) -> str:
    """What is played to how many, and what they would find."""
    systems = len({stimulus.system for stimulus in manifest.of_kind("system")})
    items = len({stimulus.item for stimulus in manifest.of_kind("real")})
    pages = len(design.lists[0].pages)
    power = design.power
    what = "ratings of a row" if design.type == "mos" else "comparisons of two rows"
    each = "clip" if design.type == "mos" else "pair of clips"
    listens = pages * manifest.seconds * (1 if design.type == "mos" else 2)
    lines = [
        f"Listening test ({design.type}): {systems} systems and real music, {items} items of {manifest.seconds:g} s.",
        f"{design.raters_planned} raters, {pages} pages each, {listens / 60:.1f} minutes of listening: "
        f"{_range(power.ratings_per_row)} {what}, {_range(power.ratings_per_stimulus)} of a {each}.",
        _found(power, design),
    ]
    if design.raters_planned < ENOUGH_RATERS or items < ENOUGH_ITEMS:
        lines.append(
            f"Recommended at least: {ENOUGH_RATERS} raters, {ENOUGH_ITEMS} items (sampling.count, listening.items)."
        )
    return "\n".join(lines)


def _range(ends: tuple[int, int]) -> str:
    low, high = ends
    return f"{low}" if low == high else f"{low} to {high}"


def _found(power: Power, design: Design) -> str:
    assumed = ", ".join(f"{name} {value:g}" for name, value in power.assumed.items())
    by = f"(80 % power; {power.draws:,} simulated tests; assumed standard deviations, ours: {assumed})"
    if power.false_alarms is None:
        return "Power: not reported: an interval needs two raters and two items."
    wide = "" if power.half_width is None else f"A mean ± {power.half_width:.2f} points. "
    if power.detectable is None:
        return f"{wide}No difference between two rows would be found often enough {by}."
    if design.type == "mos":
        return f"{wide}Found between two rows: {power.detectable:.2f} points or more {by}."
    return f"Found between two rows: {power.detectable:.0%} or more who prefer the better one {by}."
