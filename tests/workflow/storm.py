"""Kill trainings, drawings and every rule of the pipeline, and see that nothing is lost: ``make storm``."""

import signal
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from killed_jobs import Storm, drawing, kill_again_and_again, pack_noise, training
from killed_rules import RuleStorm, compare, hashes, kill_every_rule, undisturbed

STEPS = 300


class Signal(StrEnum):
    """What kills a run."""

    KILL = "KILL"
    INT = "INT"
    TERM = "TERM"


def storm(
    kills: Annotated[int, typer.Option(min=0, help="SIGKILLs of a training; 0 leaves it out")] = 50,
    draws: Annotated[int, typer.Option(min=0, help="SIGKILLs of a drawing; 0 leaves it out")] = 20,
    by: Annotated[list[Signal] | None, typer.Option(help="signals for the rules: all three, or these")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="for the rules, all signals together; 0 leaves them out")] = 60,
    target: Annotated[list[str] | None, typer.Option(help="what the rules make: all, or these files")] = None,
    seed: Annotated[int, typer.Option(help="of the times at which a kill comes")] = 1,
) -> None:
    """Kill everything at random times, run it again, and compare what is left with an undisturbed run, to the byte.

    First a training that saves a state every three steps, then a drawing: each is killed again and again, in its saves
    too. After every kill its newest state must load, at most one save interval may be lost, and no output may stand
    there that is not whole. Then the pipeline at test size: as soon as a rule that was not killed yet is at work, the
    workflow and its jobs get the signal, and the plain command runs again, until all rules were killed.
    Seconds after which a rule is killed stand in the last table. The exit code is 1 when anything differs or hangs.

    On two busy cores the training and the drawing took 14 minutes, each signal 10, and the undisturbed run before 5.
    When the minutes of a signal are over, no more rules are killed, and the run goes on to its end. A small storm:
    ``--kills 5 --draws 0 --minutes 0``.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wrong = _storm_of_jobs(folder, kills, draws, seed)
        if minutes:
            wrong += _storm_of_rules(folder, by or list(Signal), target or ["all"], minutes, seed)
    print(f"{wrong} differences and hangs")
    sys.exit(1 if wrong else 0)


def _storm_of_jobs(folder: Path, kills: int, draws: int, seed: int) -> int:
    if not kills + draws:
        return 0
    pack_noise(folder / "noise")
    whole, wrong = training(folder / "trained", folder / "noise", STEPS).finish(), 0
    if kills:
        job = training(folder / "killed", folder / "noise", STEPS)
        wrong += _report("training", kill_again_and_again(job, whole, kills, seed))
    if draws:
        model = folder / "trained" / "model.safetensors"
        whole = drawing(folder / "drawn", model, draws).finish()
        job = drawing(folder / "killed drawing", model, draws)
        wrong += _report("drawing", kill_again_and_again(job, whole, draws, seed))
    return wrong


def _report(name: str, storm: Storm) -> int:
    print(f"{name}: {storm.kills} kills, {storm.in_start} while it started, {storm.in_save} while it saved")
    print(f"  went on from a saved state {storm.resumed} times, ended {storm.ends} times")
    print(f"  lost by a kill: {storm.lost} steps at most")
    _print_differences(storm.differences)
    return len(storm.differences)


def _print_differences(differences: list[str]) -> None:
    for difference in differences:
        print(f"  WRONG: {difference}", flush=True)


def _storm_of_rules(folder: Path, by: list[Signal], targets: list[str], minutes: float, seed: int) -> int:
    expected, storms = undisturbed(folder / "undisturbed", targets), []
    print(f"undisturbed: {len(expected)} files", flush=True)
    for number, name in enumerate(by):
        where, until = folder / name.value, time.monotonic() + 60 * minutes / len(by)
        storm = kill_every_rule(where, signal.Signals[f"SIG{name.value}"], targets, seed + number, until)
        storm.differences = compare(expected, hashes(where))
        shown = f"{len(storm.escaped)} ended too soon to be" if storm.ended else "until its time was over"
        shown += f", and {storm.hung} times Snakemake hung" if storm.hung else ""
        print(f"{name.value}: {len(storm.killed)} rules killed, {shown}; {storm.seconds:.0f} s", flush=True)
        _print_differences(storm.differences)
        storms.append(storm)
    _table(storms)
    return sum(len(storm.differences) + storm.hung for storm in storms)


def _table(storms: list[RuleStorm]) -> None:
    rules = list(dict.fromkeys(rule for storm in storms for rule in (*storm.killed, *sorted(storm.escaped))))
    print(f"{'rule':24}", *(f"{storm.number.name:>10}" for storm in storms))
    for rule in rules:
        cells = (f"{storm.killed[rule]} s" if rule in storm.killed else "-" for storm in storms)
        print(f"{rule:24}", *(f"{cell:>10}" for cell in cells))


if __name__ == "__main__":
    typer.run(storm)
