"""Big corpora: time and memory of ingest, encode and pack, beside the bare speed of what decodes and resamples.

    nice python benchmarks/corpus.py --files 2500 --files 5000 --files 10000 --hours 20

The stages are the commands that the rules call, one process a shard, as many at once as ``--cores``. Their seconds are
wall-clock, their CPU seconds those of all their processes, and their peak is of the largest process. The floor is the
CPU time that the libraries alone need for the same audio, measured in the same run on some of the files, one process:
for ingest, soundfile decoding it and writing it as FLAC; for encode, soundfile decoding that copy, soxr resampling it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
import soxr
import typer
import yaml

ROOT = Path(__file__).parent.parent
RATE = 16000
BLOCK = 16384
FORMATS = (("wav", 44100, 2), ("flac", 44100, 2), ("ogg", 44100, 2), ("mp3", 44100, 2), ("aiff", 22050, 1))
LONG_RATE = 22050
PHRASE_SECONDS = 90
MANY_SHARDS = 20
MIB = 1 << 20


@dataclass(frozen=True)
class Stage:
    """What one stage took: wall-clock and CPU seconds of all its jobs, and the peak of its largest process."""

    name: str
    seconds: float
    cpu: float
    peak_mib: float


def short_file(folder: Path, number: int) -> None:
    """A second of two tones and noise, other ones for every number."""
    suffix, rate, channels = FORMATS[number % len(FORMATS)]
    chance = np.random.default_rng(number)
    pitches = chance.uniform(100, 2000, (2, channels))
    ramp = np.arange(rate)[:, None] * (2 * np.pi / rate)
    audio = 0.2 * np.sin(ramp * pitches[0]) + 0.2 * np.sin(ramp * pitches[1])
    audio += 0.02 * chance.standard_normal(audio.shape)
    path = folder / f"{number // 1000:03}" / f"{number:06}.{suffix}"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, audio, rate, format=suffix.upper())


def long_file(folder: Path, number: int, hours: float) -> None:
    """Piano notes drawn by chance, the same phrase again and again at other levels."""
    from descant.scores.notes import Note, resolve_unisons
    from descant.scores.soundfont import soundfont_file
    from descant.scores.synthesis import play

    chance = np.random.default_rng(number)
    onsets = np.sort(chance.uniform(0, PHRASE_SECONDS - 2, 4 * PHRASE_SECONDS))
    notes = [Note(float(at), int(chance.integers(36, 84)), float(at) + 0.5, 80) for at in onsets]
    blocks = play(resolve_unisons(notes), soundfont_file(None), LONG_RATE, PHRASE_SECONDS * LONG_RATE)
    phrase = np.concatenate([block.mean(axis=1) for block in blocks])
    phrase *= 0.9 / np.abs(phrase).max()
    frames = round(hours * 3600 * LONG_RATE)
    with soundfile.SoundFile(folder / f"{number:03}.flac", "w", LONG_RATE, 1, "PCM_16") as file:
        while frames:
            file.write((phrase * chance.uniform(0.4, 1))[:frames])
            frames -= min(frames, len(phrase))


def make(folder: Path, count: int, write: Callable[[int], None], cores: int) -> Path:
    """Write so many files, each by its number; what an earlier run kept is not made again."""
    done = folder / "made"
    missing = range(int(done.read_text()) if done.exists() else 0, count)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(cores) as pool:
        for _ in pool.map(write, missing, chunksize=10 if count > 1000 else 1):
            pass
    done.write_text(str(max(count, missing.start)))
    return folder


def subset(source: Path, target: Path, count: int) -> Path:
    """Links to the first files, so that every size has the same mix of formats."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(source.glob("*/*"))[:count]:
        (target / path.parent.name).mkdir(parents=True, exist_ok=True)
        os.link(path, target / path.parent.name / path.name)
    return target


def run(name: str, commands: Sequence[Sequence[str]], folder: Path, cores: int) -> Stage:
    """Run a stage's jobs, so many at once."""
    began, cpu, peak = time.perf_counter(), 0.0, 0
    waiting, running = list(commands), 0
    while waiting or running:
        while waiting and running < cores:
            module, *options = waiting.pop(0)
            with (folder / "log").open("ab") as log:
                subprocess.Popen([sys.executable, "-m", f"descant.commands.{module}", *options], cwd=folder, stderr=log)
            running += 1
        _, status, used = os.wait3(0)
        if status:
            raise SystemExit(f"{name} failed:\n{(folder / 'log').read_text()[-2000:]}")
        running -= 1
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss)
    return Stage(name, time.perf_counter() - began, cpu, peak / 1024)


def stages(music: Path, folder: Path, shards: int, cores: int) -> Iterator[Stage]:
    """The corpus of a folder, from the scan to the packed sequence."""
    folder.mkdir()
    settings = json.dumps({"source": "folder", "folder": {"path": str(music)}, "shards": shards})
    numbers = [str(number) for number in range(shards)]
    of_shard = {n: ["--table", f"{n}.parquet", "--tracks", f"tracks{n}"] for n in numbers}
    prints = [f"{n}.prints" for n in numbers]
    yield run("scan", [["scan", "--settings", settings, "--output", "files.parquet"]], folder, cores)
    ingest = ["ingest", "--settings", settings]
    jobs = [
        [*ingest, "--shard", n, *of_shard[n], "--fingerprints", f"{n}.prints", "--notes", f"{n}.notes"] for n in numbers
    ]
    yield run("ingest", jobs, folder, cores)
    encode = ["encode", "--settings", json.dumps({"sample_rate": RATE})]
    written = {
        n: ["--output", f"encoded{n}", "--waveform", f"waveform{n}", "--output-table", f"{n}.encoded"] for n in numbers
    }
    yield run("encode", [[*encode, *of_shard[n], *written[n]] for n in numbers], folder, cores)
    pack = ["pack", "--settings", "{}", "--seed", "1", "--shard-sequences", *(f"encoded{n}" for n in numbers)]
    pack += ["--shard-notes", *(f"{n}.notes" for n in numbers), "--notes", "notes.parquet"]
    pack += ["--shard-waveforms", *(f"waveform{n}" for n in numbers), "--waveform", "waveform"]
    pack += ["--shard-tables", *(f"{n}.encoded" for n in numbers), "--shard-fingerprints", *prints]
    pack += [
        "--output",
        "audio",
        "--tracks-table",
        "tracks.csv",
        "--labels-table",
        "labels.csv",
        "--remarks",
        "remarks.json",
    ]
    yield run("pack", [pack], folder, cores)


def blocks(path: Path) -> Iterator[npt.NDArray[np.float32]]:
    with soundfile.SoundFile(path) as file:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            yield block


def floors(paths: Sequence[Path], folder: Path) -> tuple[float, float, float]:
    """CPU seconds of the libraries alone: decode and write FLAC; decode that and resample. And the audio's seconds."""
    copying = resampling = seconds = 0.0
    copy = folder / "copy.flac"
    for path in paths:
        began = time.process_time()
        facts = soundfile.info(path)
        with soundfile.SoundFile(copy, "w", facts.samplerate, facts.channels, "PCM_24") as file:
            for block in blocks(path):
                file.write(block)
        copying += time.process_time() - began
        began = time.process_time()
        stream = soxr.ResampleStream(facts.samplerate, RATE, 1, dtype="float32")
        for block in blocks(copy):
            stream.resample_chunk(np.ascontiguousarray(block[:, 0]))
        stream.resample_chunk(np.zeros(0, np.float32), last=True)
        resampling += time.process_time() - began
        seconds += facts.frames / facts.samplerate
    copy.unlink()
    return copying, resampling, seconds


def measure(title: str, music: Path, folder: Path, shards: int, cores: int, sample: Sequence[Path]) -> None:
    paths = [path for path in music.rglob("*.*") if path.is_file()]
    copying, resampling, sampled = floors(sample, music.parent)
    rows = list(stages(music, folder, shards, cores))
    tracks = pd.read_csv(folder / "tracks.csv")
    assert (tracks["status"] == "used").all(), tracks["reason"].dropna().unique()
    seconds = tracks["seconds"].sum()
    bare = {"ingest": copying * seconds / sampled, "encode": resampling * seconds / sampled}
    table = pd.DataFrame(
        {
            "stage": row.name,
            "seconds": f"{row.seconds:.1f}",
            "files/s": f"{len(paths) / row.seconds:.0f}",
            "x real time": f"{seconds / row.seconds:.0f}",
            "CPU s": f"{row.cpu:.1f}",
            "floor, CPU s": f"{bare[row.name]:.1f}" if row.name in bare else "",
            "CPU / floor": f"{row.cpu / bare[row.name]:.2f}" if row.name in bare else "",
            "peak, MiB": f"{row.peak_mib:.0f}",
        }
        for row in rows
    )
    size = sum(path.stat().st_size for path in paths) / MIB
    print(
        f"\n{title}: {len(paths)} files, {seconds / 3600:.2f} h, {size:.0f} MiB, {shards} shards, {cores} cores",
        flush=True,
    )
    print(table.to_string(index=False), flush=True)


def snakemake(music: Path, folder: Path, shards: int, *arguments: str) -> tuple[float, str]:
    """Seconds of a run of the pipeline's target ``corpus``, and what it said."""
    folder.mkdir(exist_ok=True)
    corpus = {"source": "folder", "folder": {"path": str(music)}, "shards": shards}
    (folder / "own.yaml").write_text(yaml.safe_dump({"corpus": corpus}))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "corpus", *arguments]
    command += ["--directory", str(folder), "--configfile", str(folder / "own.yaml")]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout + done.stderr


def short_corpora(base: Path, sizes: Sequence[int], shards: int, cores: int) -> None:
    everything = make(base / "all", sizes[-1], partial(short_file, base / "all"), cores)
    for size in sizes:
        music = subset(everything, base / f"short{size}", size)
        # a step that no number of formats divides
        sample = sorted(music.glob("*/*"))[:: max(1, size // 503)]
        measure("short files", music, base / f"run{size}", shards, cores, sample)
        shutil.rmtree(base / f"run{size}")
    planned, output = snakemake(music, base / "dry", MANY_SHARDS, "--dry-run", "--quiet", "rules")
    jobs = next(line.split()[1] for line in output.splitlines() if line.startswith("total"))
    print(f"\nsnakemake --dry-run, {size} files in {MANY_SHARDS} shards: {planned:.1f} s, {jobs} jobs", flush=True)


def whole_workflow(base: Path, size: int, shards: int, cores: int) -> None:
    few = subset(base / "all", base / f"short{size}", size)
    taken, _ = snakemake(few, base / "work", shards, "--cores", str(cores))
    again, output = snakemake(few, base / "work", shards, "--dry-run")
    assert "Nothing to be done" in output, output
    print(f"snakemake, {size} files in {shards} shards: {taken:.1f} s; then --dry-run: {again:.1f} s", flush=True)


def long_corpus(base: Path, hours: float, shards: int, cores: int) -> None:
    count = max(3, round(hours))
    music = make(base / "long", count, partial(long_file, base / "long", hours=hours / count), cores)
    measure("long files", music, base / "longrun", min(shards, count), cores, sorted(music.glob("*.flac"))[:1])
    shutil.rmtree(base / "longrun")


def main(
    files: Annotated[list[int] | None, typer.Option(help="size of a corpus of one-second files; repeat it")] = None,
    hours: Annotated[float, typer.Option(help="length of a corpus of one-hour files, the last thing")] = 0.0,
    shards: Annotated[int, typer.Option(min=1)] = 4,
    cores: Annotated[int, typer.Option(min=1)] = 2,
    workflow: Annotated[bool, typer.Option(help="also run snakemake on the smallest of --files")] = False,
    keep: Annotated[Path | None, typer.Option(help="folder where the corpora stay for the next run")] = None,
) -> None:
    """Make corpora in a temporary folder, run the stages on them, and print what they took."""
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep.absolute())) as name:
        if files:
            short_corpora(Path(name), sorted(files), shards, cores)
        if files and workflow:
            whole_workflow(Path(name), min(files), shards, cores)
        if hours:
            long_corpus(Path(name), hours, shards, cores)


if __name__ == "__main__":
    typer.run(main)
