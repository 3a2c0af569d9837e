"""What the rules of population-based training leave, from a seed: files of their form, and no network behind them."""

import csv
import json
import math
import random
import shutil
from pathlib import Path

RATE, COMMITMENT = "training.learning_rate", "bottleneck.commitment"


def write_population(
    folder: Path,
    members: int = 4,
    generations: int = 3,
    steps: int = 100,
    validations: int = 2,
    fail: frozenset[tuple[int, int]] = frozenset(),
    seed: int = 0,
) -> Path:
    """Write a population whose members learn the faster the nearer their learning rate is to 0.003.

    Args:
        folder: to write.
        members: of each generation.
        generations: how many.
        steps: of a generation.
        validations: rows of validation in each.
        fail: generation and member of trainings that fail.
        seed: of everything.

    Returns:
        The folder.
    """
    draw = random.Random(seed)
    settings = [{COMMITMENT: draw.uniform(0.02, 1.0), RATE: 10 ** draw.uniform(-4, -2)} for _ in range(members)]
    bits = [8.0] * members
    fitness: list[float | None] = []
    for generation in range(generations):
        rows, begun, reached = [], list(settings), list(bits)
        ranked = sorted((member for member in range(members) if fitness and fitness[member] is not None),
                        key=lambda member: fitness[member])  # fmt: skip
        worst = [member for member in range(members) if generation and (fitness[member] is None or member == ranked[0])]
        for member in range(members):
            parent, action = member, "kept" if generation else "founded"
            if member in worst and ranked and ranked[-1] != member:
                parent, action = ranked[-1], "exploited"
                begun[member] = {key: value * draw.choice((0.8, 1.25)) for key, value in settings[parent].items()}
            row = {"generation": generation, "member": member, "parent": parent if generation else "", "action": action}
            for key in sorted(begun[member]):
                row[f"{key}.before"] = repr(settings[member][key]) if generation else ""
                row[f"{key}.after"] = repr(begun[member][key])
            rows.append(row)
            speed = math.exp(-abs(math.log(begun[member][RATE] / 0.003)))
            failed = (generation, member) in fail
            points = []
            for number in range(validations):
                step = generation * steps + (number + 1) * steps // validations
                gone = (number + 1) / validations
                points.append((step, bits[parent] - 1.5 * speed * gone / (1 + generation) + draw.gauss(0, 0.02)))
            reached[member] = points[-1][1]
            path = folder / f"generation{generation}" / f"member{member}"
            path.mkdir(parents=True, exist_ok=True)
            end = generation * steps + steps
            used = 256 * (1 - math.exp(-speed * (generation + 1)))
            score = {"generation": generation, "member": member, "step": end, "bits": points[-1][1],
                     "perplexity": used, "fitness": -points[-1][1]}  # fmt: skip
            if failed:
                score |= {"bits": None, "perplexity": None, "fitness": None}
            (path / "score.json").write_text(json.dumps(score))
            lines = [f"{step},{split},bits,{value!r}" for step, value in points for split in ("train", "validation")]
            shown = [] if failed else [*lines, f"{end},validation,perplexity,{used!r}"]
            (path / "metrics.csv").write_text("\n".join(["step,split,metric,value", *shown]) + "\n")
        with (folder / f"generation{generation}" / "decisions.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        fitness = [None if (generation, member) in fail else -reached[member] for member in range(members)]
        settings, bits = begun, reached
    best = max((value, member) for member, value in enumerate(fitness) if value is not None)
    shutil.copy(folder / f"generation{generations - 1}" / f"member{best[1]}" / "score.json", folder / "chosen.json")
    return folder
