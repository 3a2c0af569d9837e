"""The pipeline, killed once in every rule: run again and again, it ends with the files of an undisturbed run."""

import hashlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import command, environment, heed_ctrl_c, run

STARTED = re.compile(r"^(?:local)?rule (\w+):$", re.MULTILINE)
FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", re.MULTILINE)
# what is no output: states to go on from, logs, times, and what is kept from run to run
ASIDE = tuple(f"results/{name}/" for name in ("runs", "corpus/kept", "logs", "benchmarks", "evaluation/embeddings"))
# seconds: the shortest jobs take little longer
LATEST = 1.5
TARGETS = frozenset({"all", "table", "audio", "codes", "corpus"})


@dataclass
class RuleStorm:
    """What came of killing every rule once by one signal.

    Attributes:
        number: the signal.
        killed: rules in the order they were killed, with the seconds after their start.
        escaped: rules that ended before they could be killed.
        hung: how often Snakemake did not end and had to be killed.
        seconds: how long all of it took.
        differences: names of files that are not those of an undisturbed run; empty when none is.
        ended: whether there was time to run to the end.
    """

    number: signal.Signals
    killed: dict[str, float] = field(default_factory=dict)
    escaped: set[str] = field(default_factory=set)
    hung: int = 0
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)
    ended: bool = False


def hashes(folder: Path) -> dict[str, str]:
    """Sha256 of every output of a run by its name."""
    paths = (path for path in sorted((folder / "results").rglob("*")) if path.is_file())
    names = {str(path.relative_to(folder)): path for path in paths}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not name.startswith(ASIDE)
    }


def kill_every_rule(folder: Path, number: signal.Signals, targets: list[str], seed: int, until: float) -> RuleStorm:
    """Run the tiny pipeline to its end, killed by a signal as soon as a rule not yet killed has been at work a little.

    Args:
        folder: where it runs.
        number: the signal; the whole process group gets it, as from a terminal or a scheduler.
        targets: what is made.
        seed: of the times from a rule's start to its kill.
        until: no kill comes after this time of the monotonic clock.
    """
    storm, draw, begun = RuleStorm(number), random.Random(seed), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    while time.monotonic() < until:
        started = _kill_next(folder, targets, storm, draw)
        if started is None:
            storm.ended = True
            break
        if list((folder / ".snakemake" / "locks").glob("*")):
            run(folder, "--unlock")
    if not storm.ended:
        run(folder, "--cores", "2", *targets)
    storm.seconds = time.monotonic() - begun
    storm.escaped -= storm.killed.keys()
    return storm


def _kill_next(folder: Path, targets: list[str], storm: RuleStorm, draw: random.Random) -> set[str] | None:
    """One run: until a rule not yet killed was killed, or to its end. Gives what was killed; None at the end."""
    shown = folder / "shown.txt"
    with shown.open("w") as file:
        running = subprocess.Popen(
            command(folder, "--cores", "2", *targets),
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=environment(),
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )
    while running.poll() is None:
        text = shown.read_text()
        working = at_work(text)
        storm.escaped |= set(FINISHED.findall(text)) - TARGETS
        if working - storm.killed.keys() and _has_job(running.pid):
            # the interpreter takes a while to start: some kills come before the work, some in its middle
            delay = draw.uniform(0.0, LATEST)
            began = time.monotonic()
            while time.monotonic() < began + delay and working & at_work(shown.read_text()) == working:
                time.sleep(0.01)
            still = working & at_work(shown.read_text()) - storm.killed.keys()
            if still:
                storm.killed |= dict.fromkeys(still, round(time.monotonic() - began, 1))
                os.killpg(running.pid, storm.number)
                storm.hung += _had_to_be_killed(running)
                return still
        time.sleep(0.02)
    if running.returncode:
        raise AssertionError(f"the run ended with {running.returncode}\n{shown.read_text()[-3000:]}")
    return None


def _had_to_be_killed(running: subprocess.Popen[bytes]) -> bool:
    try:
        running.wait(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        return True
    return False


def at_work(text: str) -> set[str]:
    """The rules whose jobs have begun and not ended, by what Snakemake shown."""
    count = {name: 0 for name in STARTED.findall(text)}
    for name in STARTED.findall(text):
        count[name] += 1
    for name in FINISHED.findall(text):
        count[name] -= 1
    return {name for name, jobs in count.items() if jobs > 0} - TARGETS


def _has_job(workflow: int) -> bool:
    """Whether a command of ours runs in the workflow's process group."""
    return any("descant.commands." in line for line in _command_lines(workflow))


def _command_lines(group: int) -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == group:
                yield (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def undisturbed(folder: Path, targets: list[str]) -> dict[str, str]:
    """Run the tiny pipeline until the targets are made; what it leaves."""
    run(folder, "--cores", "2", *targets)
    return hashes(folder)


def compare(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of files that only one has, or that differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
