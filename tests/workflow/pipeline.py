"""Running the real pipeline in a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from forking import forking

ROOT = Path(__file__).parents[2]
TINY = ROOT / "config" / "test" / "tiny.yaml"
SONGS = ROOT / "config" / "test" / "songs.yaml"
CHECKOUT = ("Snakefile", "config.yaml", "config", "envs", "pretrained", "profiles", "src", "workflow")


def command(folder: Path, *arguments: str, over: Path = TINY, checkout: Path = ROOT) -> list[str]:
    """The command line of a run in a folder."""
    return [sys.executable, "-m", *_snakemake(folder, *arguments, over=over, checkout=checkout)]


def _snakemake(folder: Path, *arguments: str, over: Path, checkout: Path) -> list[str]:
    snakefile = ["--snakefile", str(checkout / "Snakefile")]
    return ["snakemake", *snakefile, *arguments, "--directory", str(folder), "--configfile", str(over)]


def environment() -> dict[str, str]:
    """The environment of a run that no other workflow started."""
    return {name: value for name, value in os.environ.items() if name != "DESCANT_WORKFLOW"}


def heed_ctrl_c() -> None:
    """What a shell runs in its background ignores Ctrl-C, and so would all that tests start there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(
    folder: Path,
    *arguments: str,
    over: Path = TINY,
    timeout: float = 1500,
    check: bool = True,
    checkout: Path = ROOT,
) -> subprocess.CompletedProcess[str]:
    """Run the pipeline to its end, Snakemake and its jobs in forks of a Python that has imported what they import."""
    done = subprocess.run(
        [*forking().python, *_snakemake(folder, *arguments, over=over, checkout=checkout)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**environment(), "BASH_ENV": str(forking().bash), "PYTHONPATH": str(checkout / "src")},
        cwd=checkout,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def planned(folder: Path, *arguments: str, over: Path = TINY, checkout: Path = ROOT) -> set[str]:
    """Output files' jobs that a dry run plans, as ``rule wildcards`` lines."""
    shown = run(folder, "--dry-run", *arguments, over=over, checkout=checkout).stdout
    jobs, rule = set(), ""
    for line in shown.splitlines():
        words = line.strip()
        if words.startswith(("rule ", "localrule ")):
            rule = words.split()[1].rstrip(":")
            jobs.add(rule)
        elif words.startswith("wildcards: "):
            jobs.discard(rule)
            jobs.add(f"{rule} {words.removeprefix('wildcards: ')}")
    return jobs


def planned_when_moved(folder: Path, *arguments: str, over: Path, checkout: Path) -> set[str]:
    """What a dry run of a copy of the checkout plans."""
    for name in CHECKOUT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, checkout / name)
    return planned(folder, *arguments, over=over, checkout=checkout)
