"""Coverage-guided fuzzing (atheris) of everything that reads strangers' files: ``make fuzz``, or one target::

    python tests/fuzz/fuzz.py model_facts --seconds 300

An input that breaks the law of :mod:`targets` is written to ``fuzz/TARGET/``, with a traceback; made small, and given a
name, it belongs into ``tests/fuzz/cases/TARGET/``, where ``test_cases.py`` reads it ever after.
"""

import argparse
import json
import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import atheris

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
with atheris.instrument_imports(include=["descant"]):
    import targets

WORK = Path("fuzz")
SECONDS_PER_INPUT = 20
# what torch and the readers take themselves is some 600 MB
MEGABYTES = 2048
LARGEST = 1 << 16
# a number, text or structure that a reader may not expect
ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 255, 256, 65536, 2**31, 2**63 - 1, 2**63, 10**30, -(2**63), 0.5, -0.0, 1e308,
    float("nan"), float("inf"), "", "0", "1", "NaN", "\x1b[31mred", "\u202e", "\ud800", "a" * 5000, "../..", [], {},
    [[]], {"": 0},
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def changed(data: bytes, seed: int) -> bytes | None:
    """JSON with some of its values replaced, removed, doubled or nested; None where it is no JSON."""
    draw = random.Random(seed)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    for _ in range(draw.choice((1, 1, 2, 3))):
        found = list(places(value))
        if not found:
            break
        holder, key = draw.choice(found)
        other, place = draw.choice(found)
        match draw.randrange(8):
            case 0:
                holder.pop(key)
            case 1:
                holder[key] = json.loads(json.dumps(other[place]))
            case 2 if isinstance(holder, dict):
                holder[draw.choice(("x", "format", "kind", "steps", str(place)))] = draw.choice(ODD)
            case 3 if isinstance(holder, list):
                holder.extend([holder[key]] * draw.choice((1, 2, 50)))
            case 4 if isinstance(holder[key], int):
                holder[key] = holder[key] * draw.choice((2, 1000, -1)) + draw.choice((-1, 0, 1))
            case 5:
                holder[key] = json.loads("[" * 200 + "]" * 200)
            case _:
                holder[key] = draw.choice(ODD)
    return json.dumps(value).encode()


def main() -> None:
    """Fuzz one target, or each of them in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(targets.TARGETS)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments = parser.parse_args()
    names = arguments.targets or list(targets.TARGETS)
    if unknown := set(names) - targets.TARGETS.keys():
        parser.error(f"there is no target {unknown.pop()}")
    if len(names) == 1:
        fuzz(names[0], arguments.seconds)
    failed = []
    for name in names:
        command = [sys.executable, __file__, name, "--seconds", str(arguments.seconds)]
        print(f"== {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(
        f"{len(names) - len(failed)} of {len(names)} targets kept the law"
        + "".join(f"; {name} did not" for name in failed)
    )
    sys.exit(bool(failed))


def fuzz(name: str, seconds: int) -> None:
    """Fuzz a target; this ends the process."""
    logging.disable()
    target = targets.TARGETS[name]
    corpus, cases = WORK / name / "corpus", HERE / "cases" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        made = changed(data, seed) if target.json and seed % 8 else None
        return bytes(atheris.Mutate(data, largest)) if made is None or len(made) > largest else made

    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={LARGEST}",
        f"-artifact_prefix={WORK / name}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    folders = [str(corpus), *([str(cases)] if cases.is_dir() else [])]
    atheris.Setup([sys.argv[0], *options, *folders], lambda data: targets.run(target, data), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
