"""A small test, as the stimuli and design rules would make one."""

from descant.listening.files import ABPage, Design, Manifest, MosPage, Power, RaterList, Stimulus

POWER = Power(
    draws=1,
    level=0.05,
    assumed={},
    ratings_per_row=(1, 1),
    ratings_per_stimulus=(1, 1),
    half_width=None,
    detectable=None,
    false_alarms=0.05,
)


def small_test(models: tuple[str, ...] = ("one", "two"), items: int = 4, raters: int = 12) -> tuple[Manifest, Design]:
    """Every rater hears every clip, and the first one twice."""
    stimuli: list[Stimulus] = []

    def add(kind: str, system: str, item: int | None, expected: dict[str, tuple[int, int]] | None = None) -> None:
        name = f"{len(stimuli):016x}"
        stimuli.append(
            Stimulus.model_validate(
                {
                    "name": name,
                    "kind": kind,
                    "system": system,
                    "item": item,
                    "file": f"{name}.flac",
                    "sha256": "0" * 64,
                    "lufs": -23.0,
                    "loudness": "integrated",
                    "true_peak_dbtp": -3.0,
                    "expected": expected,
                }
            )
        )

    for item in range(items):
        for model in models:
            add("system", model, item)
        add("real", "real", item)
        add("anchor", "anchor_fidelity", item)
        add("anchor", "anchor_musicality", item)
    add("control", "control_noise", None, {"fidelity": (1, 2), "musicality": (1, 2)})
    add("control", "control_real", None, {"fidelity": (3, 5), "musicality": (3, 5)})
    names = [stimulus.name for stimulus in stimuli]
    pages = tuple(MosPage(page=page, stimulus=name) for page, name in enumerate([*names, names[0]]))
    manifest = Manifest(
        design="d" * 64, seconds=1.0, sample_rate=16000, scales=("fidelity", "musicality"), stimuli=tuple(stimuli)
    )
    lists = tuple(RaterList(list=number, pages=pages) for number in range(raters))
    return manifest, Design(design="d" * 64, type="mos", lists=lists, raters_planned=raters, power=POWER)


def pair_test(models: tuple[str, str] = ("one", "two"), items: int = 6, raters: int = 12) -> tuple[Manifest, Design]:
    """Every rater compares two systems on every item, half of them in the other order; noise and music at the end."""
    manifest, design = small_test(models, items, raters)
    names = {(stimulus.system, stimulus.item): stimulus.name for stimulus in manifest.stimuli}
    lists = []
    for number in range(raters):
        first, second = models if number % 2 else models[::-1]
        pairs = [(names[first, item], names[second, item]) for item in range(items)]
        pairs.append((names["control_noise", None], names["control_real", None]))
        lists.append(RaterList(list=number, pages=tuple(ABPage(page=n, a=a, b=b) for n, (a, b) in enumerate(pairs))))
    changed = manifest.model_copy(update={"scales": ("preference",)})
    return changed, design.model_copy(update={"type": "ab", "lists": tuple(lists)})
