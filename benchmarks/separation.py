"""Quality, speed and memory of the separators on a song excerpt, beside spleeter's own command.

    python benchmarks/separation.py --repeats 1 --repeats 30

Needs what the pipeline made: ``snakemake --cores 2 --configfile config/songs.yaml resources/spleeter/weights/2stems
resources/spleeter/environment/interpreter.txt``. Spleeter's own command needs ffmpeg and ffprobe on the PATH.
Every run is a process of its own that also loads the model. Memory is that of the largest process of the run,
and no less than this one's, which is small.
"""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer

from descant.audio.files import Block, write_flac
from descant.config.corpus import Separation
from descant.corpus.excerpt import RATE, decode_stream, excerpt_file
from descant.corpus.table import USED, Entry, write_table

TRACK = "song"
RUNS = ("torch", "tensorflow", "spleeter")


@dataclass(frozen=True)
class Run:
    """What one command took."""

    wall: float
    cpu: float
    peak_bytes: int


def measure(command: list[str | Path], folder: Path, environment: dict[str, str]) -> Run:
    """Run a command to its end."""
    begun = time.perf_counter()
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{command} ended with {status}\n{(folder / 'log').read_text()[-4000:]}")
    return Run(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def separate(backend: str, folder: Path, resources: Path, threads: int) -> tuple[Run, Path]:
    """Our command with a backend; and where the accompaniment lies."""
    settings = Separation(method="spleeter", backend=backend).model_dump_json()
    command: list[str | Path] = [sys.executable, "-m", "descant.commands.separate", "--settings", settings]
    command += ["--table", folder / "table.parquet", "--tracks", folder / "tracks", "--output", folder / "stems"]
    command += ["--output-table", folder / "kept.parquet", "--stem-table", folder / "stems.parquet"]
    command += ["--weights", resources / "weights", "--threads", str(threads)]
    if backend == "tensorflow":
        command += ["--interpreter", resources / "environment" / "interpreter.txt"]
    run = measure(command, folder, {})
    return run, next((folder / "stems").glob(f"{TRACK}.*"))


def separate_by_command(folder: Path, resources: Path, seconds: float) -> tuple[Run, Path]:
    """Spleeter's own command; without -d it stops at 600 s."""
    python = Path((resources / "environment" / "interpreter.txt").read_text().strip())
    command: list[str | Path] = [python, "-m", "spleeter", "separate", "-p", "spleeter:2stems", "-d", str(seconds + 1)]
    command += ["-o", folder / "own", folder / "tracks" / f"{TRACK}.flac"]
    run = measure(command, folder, {"MODEL_PATH": str(resources / "weights"), "TF_CPP_MIN_LOG_LEVEL": "2"})
    return run, folder / "own" / TRACK / "accompaniment.wav"


def quality(estimates: Iterable[Block], reference: Block) -> str:
    """SDR and scale-invariant SDR (Le Roux et al. 2019), dB, of stretches as long as a reference that is repeated."""
    estimate_energy = reference_energy = product = 0.0
    for estimate in estimates:
        assert estimate.shape == reference.shape, (estimate.shape, reference.shape)
        estimate_energy += float(np.square(estimate).sum())
        reference_energy += float(np.square(reference).sum())
        product += float((estimate * reference).sum())
    plain = reference_energy / (estimate_energy - 2 * product + reference_energy)
    fitted = product**2 / reference_energy
    return f"{10 * np.log10(plain):.2f} | {10 * np.log10(fitted / (estimate_energy - fitted)):.2f}"


def main(
    repeats: Annotated[list[int], typer.Option(help="the excerpt of 6.08 s so many times")] = [1, 30],  # noqa: B006
    run: Annotated[list[str], typer.Option(help="'torch', 'tensorflow' or 'spleeter', its own command")] = [*RUNS],  # noqa: B006
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of our separators; its own command takes all")] = 1,
    resources: Annotated[Path, typer.Option(help="what the pipeline made of spleeter")] = Path("resources/spleeter"),
) -> None:
    """Print a table."""
    mix = np.clip(decode_stream(excerpt_file(), "mixture"), -1, 1)
    reference = sum(decode_stream(excerpt_file(), name) for name in ("drums", "bass", "other")).astype(np.float64)
    if "spleeter" in run and not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise SystemExit("spleeter's own command needs ffmpeg and ffprobe on the PATH; leave it out with --run")
    print("| run | audio, s | wall, s | CPU, s | x real time | peak memory, MB | SDR, dB | SI-SDR, dB |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| none: the mix | {len(mix) / RATE:.1f} | | | | | {quality([mix], reference)} |")
    for count in repeats:
        length = count * len(mix) / RATE
        for name in run:
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                (folder / "tracks").mkdir()
                write_flac(folder / "tracks" / f"{TRACK}.flac", itertools.repeat(mix, count), RATE, 2)
                entry = Entry(TRACK, TRACK, f"{TRACK}.flac", length, RATE, 2, USED, "", "", "")
                write_table([entry], folder / "table.parquet")
                if name == "spleeter":
                    took, stem = separate_by_command(folder, resources, length)
                else:
                    took, stem = separate(name, folder, resources, threads)
                found = quality(soundfile.blocks(stem, len(mix)), reference)
                assert soundfile.info(stem).frames == count * len(mix)
            figures = f"{length:.1f} | {took.wall:.1f} | {took.cpu:.1f} | {length / took.wall:.1f}"
            print(f"| {name} | {figures} | {took.peak_bytes / 1e6:.0f} | {found} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
