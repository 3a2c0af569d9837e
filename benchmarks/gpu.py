"""What a GPU does with this project, in one command and so many minutes: what is most worth knowing comes first.

    python benchmarks/gpu.py --minutes 12 --output gpu

For a machine with one NVIDIA GPU and torch installed, that is at hand for minutes. Nothing is fetched; what is
missing is named, and the rest goes on. Each part is a process of its own with a bound on its time, and what it finds
is written at once: a crash, a hang or the end of the time loses no more than the row that was being measured. In the
order in which they run:

- tests: those marked ``gpu``: engines, codes and training against the CPU.
- engines: graph, triton, the eager step and the compiled one at shapes A and B, batches of 1, 16 and 256; limits of
  the same GPU measured in the same process.
- training: a WaveNet and an ADA at the sizes of config/workstation.yaml and config/paper.yaml.
- convolutions: three forms of the WaveNets' dilated convolution.
- resume: a training stopped and gone on with, against one that was not, and against one done twice.
- real: the network of config/pretrained/piano.yaml trained for all the time that is left, and what it draws.

``--sequence`` names packed audio for the last (a folder of results/sequences, made on another machine); without it
tones are made here, whose bits say nothing of music. Without a GPU it says what it would do, and does all of it at
toy size on the CPU. In the output: report.md, results.json, log.txt, real.wav, model.safetensors: less than 64 MB.
"""

import argparse
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAM = Path(__file__).with_name("gpu_parts.py")
MARK = "RESULT "
# what the parts import, as Python calls it
NEEDED = ("torch", "numpy", "pandas", "pyarrow", "pydantic", "yaml", "safetensors", "numba", "lightning_fabric", "tqdm")
NEEDED += ("tensorboard", "typer", "pytest", "hypothesis", "xdist")
# of the whole, for what is written at the end; after a part's own time, before it is ended; bytes of all files
RESERVE, GRACE, MOST_LOG, MOST_BYTES = 5.0, 10.0, 4 << 20, 64 * 10**6
# of the minutes, for the part that takes what is left
KEPT = 0.25


@dataclass(frozen=True)
class Part:
    """A process: its words, its share of the minutes, or None for all that is left."""

    title: str
    words: tuple[str, ...]
    share: float | None


def parts(toy: bool) -> list[Part]:
    """All of them, most valuable first; one that others wait for in vain is cut, not they."""
    engines = ("graph", "eager", "triton", "compiled")
    sizes = ("toy",) if toy else ("workstation", "paper")
    return [
        Part("tests marked gpu", ("tests",), 0.2),
        *(Part(f"engine {name}", ("engines", "--engine", name), 0.06) for name in engines),
        *(Part(f"training, {size}", ("training", "--size", size), 0.1) for size in sizes),
        Part("convolutions", ("convolutions", "--size", "toy" if toy else "all"), 0.02),
        Part("resume", ("resume",), 0.06),
        Part("real training", ("real",), None),
    ]


@dataclass
class Found:
    """What was found so far; written after every change."""

    folder: Path
    facts: dict[str, object]
    parts: list[dict[str, object]] = field(default_factory=list)
    logged: int = 0

    def write(self) -> None:
        """Write the report and the results."""
        for name, text in (("results.json", json.dumps(vars_of(self), indent=1)), ("report.md", report(self))):
            beside = self.folder / f".{name}"
            beside.write_text(text + "\n")
            beside.replace(self.folder / name)

    def log(self, line: str) -> None:
        """Keep a line of a part's output, and show it."""
        print(line, flush=True)
        if self.logged < MOST_LOG:
            with (self.folder / "log.txt").open("a") as file:
                self.logged += file.write(line + "\n")


def vars_of(found: Found) -> dict[str, object]:
    """What is written as JSON."""
    return {"facts": found.facts, "parts": found.parts}


def report(found: Found) -> str:
    """The page for people."""
    lines = ["# On this machine", "", *(f"- {name}: {value}" for name, value in found.facts.items())]
    for part in found.parts:
        lines += ["", f"## {part['title']}: {part['state']}"]
        kinds: dict[tuple[str, ...], list[dict[str, object]]] = {}
        for row in part["rows"]:  # type: ignore[attr-defined]
            kinds.setdefault(tuple(row), []).append(row)
        for columns, rows in kinds.items():
            lines += ["", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
            lines += ["| " + " | ".join(shown(row[name]) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: object) -> str:
    """A cell."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value).replace("|", "/").replace("\n", " ")


def run_part(part: Part, seconds: float, options: list[str], found: Found) -> None:
    """Run one part within its time; its rows are written as they come."""
    entry: dict[str, object] = {"title": part.title, "state": "running", "rows": [], "seconds": 0.0}
    found.parts.append(entry)
    found.write()
    found.log(f"== {part.title}: at most {seconds:.0f} s")
    began = time.monotonic()
    command = [sys.executable, str(PROGRAM), *part.words, "--seconds", f"{seconds:.0f}", *options]
    paths = [str(ROOT / "src"), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def read() -> None:
        assert running.stdout is not None
        for line in running.stdout:
            found.log(line.rstrip("\n"))
            if line.startswith(MARK):
                entry["rows"].append(json.loads(line.removeprefix(MARK)))  # type: ignore[attr-defined]
                found.write()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        code = running.wait(seconds + GRACE)
        entry["state"] = "done" if code == 0 else f"ended with {code}"
    except subprocess.TimeoutExpired:
        entry["state"] = "ended by its time"
    finally:
        # whatever it started
        with_group(running, signal.SIGKILL)
        running.wait()
    reader.join(GRACE)
    entry["seconds"] = round(time.monotonic() - began, 1)
    found.write()


def with_group(process: "subprocess.Popen[str]", number: int) -> None:
    """Signal a process and all that it started, if any of them is left."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def missing() -> list[str]:
    """Packages that the parts import and that are not here."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def gpu_seen() -> str:
    """The GPU's name as torch gives it, asked in another process; empty without one."""
    program = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    try:
        asked = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return asked.stdout.strip().splitlines()[-1] if asked.returncode == 0 and asked.stdout.strip() else ""


def commit() -> str:
    """Of this checkout, where git knows it."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return asked.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12.0, help="for all parts together")
    parser.add_argument("--output", type=Path, default=Path("results/gpu"), help="folder of the results")
    parser.add_argument("--sequence", type=Path, help="packed audio that the real training reads")
    given = parser.parse_args()
    deadline = time.monotonic() + 60 * given.minutes - RESERVE
    given.output.mkdir(parents=True, exist_ok=True)
    for old in ("log.txt", "real.wav", "model.safetensors"):
        (given.output / old).unlink(missing_ok=True)
    name, lacking = gpu_seen(), missing()
    facts = {"commit": commit(), "GPU": name or "none", "Python": platform.python_version(), "cores": os.cpu_count()}
    found = Found(given.output, {**facts, "minutes": given.minutes, "missing": ", ".join(lacking) or "nothing"})
    found.write()
    if lacking:
        found.log(f"missing here, so parts that need them will fail: {', '.join(lacking)}")
        found.log(
            "  cure: bring their wheels along (envs/requirements.txt has the versions) and add them to PYTHONPATH"
        )
    if not name:
        found.log("no GPU is found. With one it would do, within its minutes:")
        for part in parts(toy=False):
            most = f"at most {60 * given.minutes * part.share:.0f} s" if part.share else "all the time that is left"
            found.log(f"  {part.title}: {most}")
        found.log("Now all of it at toy size on the CPU.")
    with tempfile.TemporaryDirectory() as scratch:
        options = ["--device", "cuda" if name else "cpu", "--scratch", scratch, "--output", str(given.output.resolve())]
        options += ["--sequence", str(given.sequence.resolve())] if given.sequence else []
        for part in parts(toy=not name):
            left = deadline - time.monotonic()
            least = KEPT * 60 * given.minutes
            most = left - GRACE if part.share is None else min(60 * given.minutes * part.share, left - GRACE - least)
            if most < 1:
                found.parts.append({"title": part.title, "state": "no time was left", "rows": [], "seconds": 0.0})
                continue
            run_part(part, most, options, found)
    model = given.output / "model.safetensors"
    if sum(path.stat().st_size for path in given.output.iterdir()) > MOST_BYTES and model.exists():
        found.log(f"{model.name} is left out: it has {model.stat().st_size:,} bytes")
        model.unlink()
    found.write()
    print(f"see {given.output / 'report.md'}")


if __name__ == "__main__":
    main()
