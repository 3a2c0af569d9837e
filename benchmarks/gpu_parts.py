"""The parts of benchmarks/gpu.py, each in a process of its own; a line that begins with RESULT is a row of its own."""

import argparse
import gc
import json
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from descant.commands.set_up import set_up_torch
from descant.errors import DescantError

ROOT = Path(__file__).parent.parent
RATE, CLASSES = 16000, 256
# what a row may take of a part's time, at most; windows of the real training on a GPU, and its sequences (ours)
ROWS_SHARE = 0.5
GPU_WINDOWS = {"batch": 32, "window": 2048, "precision": "bf16-mixed"}
# of the real training's time, for what it draws at the end
DRAWING = 0.25


def write_row(**row: object) -> None:
    """Print one row."""
    print("RESULT " + json.dumps(row), flush=True)


class Clock:
    """Seconds that a part has."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._end - time.monotonic()


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def tests(given: argparse.Namespace, clock: Clock) -> None:
    """The tests marked ``gpu``; where there is no GPU they are skipped, and counted."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "-rfE", "--tb=short"]
    places = ["tests/sampling", "tests/training/test_loop.py", "tests/commands/test_set_up.py"]
    try:
        done = subprocess.run(
            [*command, *places], cwd=ROOT, timeout=clock.left, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        write_row(tests=f"did not end in time: {str(error.stdout)[-500:]}")
        return
    print(done.stdout[-20000:], done.stderr[-5000:])
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    for line in lines:
        write_row(test=line)
    write_row(tests=next((line for line in reversed(done.stdout.splitlines()) if " in " in line), "no summary"))


def engines(given: argparse.Namespace, clock: Clock) -> None:
    """Samples a second of one engine, beside what the GPU multiplies and reads in the same process."""
    import sampling
    from sampling import Case

    from descant.config.networks import WaveNetShape
    from descant.systems.wavenet import build_wavenet

    toy, device = given.device == "cpu", torch.device(given.device)
    precisions = {"graph": ("float32", "bfloat16"), "triton": ("float32", "bfloat16_weights", "bfloat16")}
    for shape in ("toy",) if toy else ("A", "B"):
        for batch in (1, 2) if toy else (1, 16, 256):
            if toy:
                small = WaveNetShape(
                    stacks=1, layers_per_stack=3, residual_channels=16, gate_channels=32, skip_channels=16
                )
                case = Case(shape, build_wavenet(small, CLASSES, sampling.CONDITIONING, sampling.HOP).eval(), batch, 1)
            else:
                case = sampling.build_case(shape, batch, 1, given.device)
            product = sampling.product_flops(device, 512 if toy else 8192)
            copied = read_and_written(device, 1 << (20 if toy else 30))
            for precision in precisions.get(given.engine, ("float32",)):
                if clock.left < 2:
                    return
                row: dict[str, Any] = {"engine": given.engine, "precision": precision, "shape": shape, "batch": batch}
                try:
                    made = {"eager": sampling.eager, "compiled": sampling.compiled}.get(given.engine)
                    variant = made(case) if made else sampling.engine(case, given.engine, precision)
                    seconds = min(2.0, 0.2 if toy else ROWS_SHARE * clock.left)
                    count = sampling.steps_in(variant.run, seconds)
                    began = time.perf_counter()
                    variant.run(count)
                    steps = count / (time.perf_counter() - began)
                except (DescantError, RuntimeError) as error:
                    write_row(**row, problem=f"{type(error).__name__}: {error}"[:300])
                    continue
                size = 4 if precision == "float32" else 2
                multiplications = case.wavenet.multiplications
                write_row(
                    **row,
                    samples_a_second=batch * steps,
                    steps_a_second=steps,
                    of_product=2 * multiplications * batch * steps / product,
                    of_reading_weights=size * multiplications * steps / copied,
                    logit_error=variant.error,
                    product_tflops=product / 1e12,
                    gigabytes_a_second=copied / 1e9,
                )


def read_and_written(device: torch.device, size: int) -> float:
    """Bytes a second that a copy within the device's memory reads and writes."""
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    times = []
    for _ in range(8):
        wait(device.type)
        began = time.perf_counter()
        target.copy_(source)
        wait(device.type)
        times.append(time.perf_counter() - began)
    return 2 * size / min(times)


def training(given: argparse.Namespace, clock: Clock) -> None:
    """The training loop's own steps at one size, in four ways."""
    import training as measured
    from training_cases import Variant, networks

    from descant.systems.base import STEPS
    from descant.training.windows import Windows

    toy, gpus = given.size == "toy", int(given.device == "cuda")
    streams = measured.random_streams(given.scratch / "windows", 1 << 16 if toy else 1 << 22, 2 if toy else 8, (STEPS,))
    ways = [
        Variant("bf16-mixed", False),
        Variant("bf16-mixed", True),
        Variant("32-true", False),
        Variant("32-true", True),
    ]
    peaks = {each.precision: measured.product_flops(each.precision, torch.device(given.device)) for each in ways}
    for network in networks(given.size):
        settings = network.training
        windows = Windows({STEPS: streams[STEPS]}, "train", settings.window, 0)
        flops = settings.accumulate * measured.pass_flops(
            network, windows.batch(0, 0, settings.batch), torch.device(given.device)
        )
        for way in ways[:1] if toy else ways:
            if clock.left < 5:
                return
            row: dict[str, Any] = {"size": given.size, "network": network.kind, "way": way.name}
            try:
                steps = measured.Steps(network, way, streams, gpus)
                once = steps.run(1)
                count = max(1, min(50, int(min(8.0, 0.2 * clock.left) / once)))
                seconds = steps.run(count) / count
            except (DescantError, RuntimeError) as error:
                write_row(**row, problem=f"{type(error).__name__}: {error}"[:300])
                continue
            write_row(
                **row,
                samples_a_second=settings.accumulate * settings.batch * settings.window / seconds,
                milliseconds_a_step=1000 * seconds,
                of_peak=flops / seconds / peaks[way.precision],
                peak_tflops=peaks[way.precision] / 1e12,
                mebibytes=None if steps.memory() is None else steps.memory() / 2**20,
                loading=steps.loading,
                first_two_steps_s=steps.first,
            )
            del steps
            torch.compiler.reset()
            gc.collect()
            if gpus:
                torch.cuda.empty_cache()


def convolutions(given: argparse.Namespace, clock: Clock) -> None:
    """Forms of the dilated convolution, of which the WaveNets have one on a GPU."""
    from convolution import measure

    for row in measure(torch.device(given.device), 1 if given.size == "toy" else 40):
        write_row(**row)
        if clock.left < 2:
            return


def resume(given: argparse.Namespace, clock: Clock) -> None:
    """A training stopped in the middle and gone on with, and one done twice, against the first."""
    from training_cases import networks

    from descant.runs import checkpoint
    from descant.training.loop import Stretch

    network, steps = networks("toy" if given.device == "cpu" else "workstation")[1], 20
    settings = network.training.model_copy(
        update={
            "steps": steps,
            "compile": False,
            "checkpoint_every": steps // 2,
            "validate_every": steps,
            "log_every": 5,
        }
    )
    ends: dict[str, Any] = {}
    for name, stretches in (
        ("undisturbed", [Stretch(steps)]),
        ("the same again", [Stretch(steps)]),
        ("stopped and gone on with", [Stretch(steps // 2), Stretch(steps)]),
    ):
        if clock.left < 5:
            return
        folder = given.scratch / name.replace(" ", "-")
        for stretch in stretches:
            torch.manual_seed(0)
            trained = trainer_of(network.build(None), settings, given, folder, stretch).run()
        saved = checkpoint.load_latest(folder / "checkpoints")
        assert saved is not None
        ends[name] = trained
        first = ends["undisturbed"]
        # the end of a stretch is shown besides
        bits = [
            {(row.step, row.split): row.value for row in each.history if row.metric == "bits"}
            for each in (first, trained)
        ]
        weights = [
            (first.weights[key].double() - value.double()).abs().max().item() for key, value in trained.weights.items()
        ]
        write_row(
            training=name,
            steps=saved.step,
            largest_difference_of_bits=max(abs(value - bits[0].get(place, value)) for place, value in bits[1].items()),
            largest_difference_of_weights=max(weights),
        )


def trainer_of(system: Any, settings: Any, given: argparse.Namespace, folder: Path, stretch: Any = None) -> Any:
    """A trainer of random windows."""
    import training as measured

    from descant.systems.base import STEPS
    from descant.training.devices import Devices
    from descant.training.loop import Trainer, TrainingData
    from descant.training.windows import Windows

    place = given.scratch / "windows-of-resume"
    streams = measured.random_streams(place, 1 << 16, 2, (STEPS,))
    train, validation = (Windows(streams, split, settings.window, 0) for split in ("train", "validation"))
    devices = Devices.of(int(given.device == "cuda"))
    return Trainer(system, settings, TrainingData(train, validation), folder, 0, devices, stretch)


def real(given: argparse.Namespace, clock: Clock) -> None:
    """The network that ships, trained for the time that there is; its curve, its bits, and what it draws."""
    from descant.config.loading import load
    from descant.modelfile import write_model
    from descant.runs import checkpoint
    from descant.runs.interruption import Interrupted
    from descant.systems.base import STEPS
    from descant.training.devices import Devices
    from descant.training.loop import kept_weights
    from descant.training.session import Session, build_trainer, model_of

    toy = given.device == "cpu"
    whole = clock.left
    config = load(ROOT / "config.yaml", ROOT / "config" / ("test/tiny.yaml" if toy else "pretrained/piano.yaml"))
    section = config.priors["large"]
    audio = given.sequence or made_tones(given.scratch / "tones", 20.0 if toy else 600.0)
    streams = streams_of(audio, section.wavenet, given.scratch)
    write_row(audio=str(given.sequence or "tones made here"), seconds=len(streams[STEPS].data) / streams[STEPS].rate)
    windows = {"validation_batches": 2} if toy else {**GPU_WINDOWS, "validation_batches": 16, "compile": whole > 240}
    # windows fit a CPU's toy as they are
    tuned = section.training.model_copy(update=windows)

    def session(steps: int) -> Session:
        every = max(1, steps // 10)
        of_length = {
            "steps": steps,
            "validate_every": every,
            "checkpoint_every": every,
            "log_every": max(1, every // 10),
        }
        settings = section.model_copy(update={"training": tuned.model_copy(update=of_length)})
        return Session("wavenet", settings, given.scratch / "runs", 1, Devices.of(int(not toy)))

    # how long a step takes, the compiler's time left out
    trial = build_trainer(session(1000), streams)
    for _ in range(3):
        trial._train_step()
        trial.step += 1
    wait(given.device)
    began = time.perf_counter()
    for _ in range(5):
        trial._train_step()
        trial.step += 1
    wait(given.device)
    step = (time.perf_counter() - began) / 5
    del trial
    time_to_train = max(1.0, clock.left - DRAWING * whole)
    steps = max(10, int(0.8 * time_to_train / step))
    steps = min(steps, 20) if toy else steps
    chosen = session(steps)
    trainer = build_trainer(chosen, streams)
    # a step may take longer than it took: then what was learnt is kept at the end of the time
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    signal.alarm(max(1, int(time_to_train)))
    began = time.perf_counter()
    try:
        weights = trainer.run().weights
    except Interrupted:
        saved = checkpoint.load_latest(trainer.folder / "checkpoints")
        assert saved is not None
        weights = kept_weights(saved)
    signal.alarm(0)
    seconds = time.perf_counter() - began
    for row in trainer.rows:
        if row.split == "validation" or row.step == trainer.step:
            write_row(step=row.step, split=row.split, figure=row.metric, value=row.value)
    samples = trainer.step * tuned.batch * tuned.accumulate * tuned.window
    write_row(steps=trainer.step, of=steps, training_seconds=seconds, samples_a_second=samples / seconds)
    write_model(given.output / "model.safetensors", model_of(chosen, streams, weights))
    system = chosen.build(streams)
    system.load_state_dict(weights)
    drawn_to_wave(system, given, clock)


def drawn_to_wave(system: Any, given: argparse.Namespace, clock: Clock) -> None:
    """Draw a few sequences of a WaveNet and write them one after another."""
    from descant.audio import mulaw
    from descant.sampling.engine import DrawSettings, EngineSettings
    from descant.sampling.levels import LevelSettings, draw_level

    batch, seconds = (2, 0.05) if given.device == "cpu" else (8, 4.0)
    settings = LevelSettings(1, DrawSettings(0.9), EngineSettings("auto"), save_every_seconds=5.0)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    signal.alarm(max(1, int(clock.left)))
    began = time.perf_counter()
    drawn = draw_level(
        system.eval().to(given.device), None, batch, int(RATE * seconds), settings, given.scratch / "drawn"
    )
    took = time.perf_counter() - began
    signal.alarm(0)
    write_row(drawn=batch, each_s=seconds, took_s=took, samples_a_second=drawn.size / took)
    gap = np.zeros(RATE // 4, np.float32)
    sound = np.concatenate([np.concatenate([mulaw.decode(row), gap]) for row in drawn])
    with wave.open(str(given.output / "real.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def streams_of(audio: Path, shape: Any, folder: Path) -> dict[str, Any]:
    """Audio, and what a network with a linear predictor inside reads beside it, as the pipeline makes it."""
    from descant.commands.perturb import perturb
    from descant.commands.predict import predict
    from descant.sequences import open_sequence
    from descant.systems.base import PAST, PREDICTED, STEPS

    streams, predictor = {STEPS: audio}, shape.linear_prediction
    if predictor is not None:
        if predictor.perturb:
            streams[PAST] = folder / PAST
            perturb(predictor.perturb.model_dump_json(), audio, streams[PAST])
        streams[PREDICTED] = folder / PREDICTED
        predict(predictor.model_dump_json(), streams.get(PAST, audio), streams[PREDICTED])
    return {name: open_sequence(place) for name, place in streams.items()}


def made_tones(folder: Path, seconds: float) -> Path:
    """Packed audio of plucked tones that walk along a major scale, ten pieces, two of them for validation."""
    from descant.audio import mulaw
    from descant.sequences import Labels, SequenceWriter

    with SequenceWriter(folder, CLASSES, hop=1, sample_rate=RATE) as writer:
        for number in range(10):
            split = "train" if number < 8 else "validation"
            walk = mulaw.encode(np.concatenate(list(plucked(number, seconds / 10))))
            writer.add(f"{number:016x}", split, Labels(f"tones {number}"), [walk])
    return folder


def plucked(seed: int, seconds: float) -> Iterator[npt.NDArray[np.float32]]:
    """Notes of a quarter of a second, each of eight partials that die away."""
    random, degree = np.random.default_rng(seed), 7
    time_in = np.arange(RATE // 4)[:, None] / RATE
    partials = np.arange(1, 9)
    for _ in range(max(1, int(4 * seconds))):
        degree = int(np.clip(degree + random.integers(-2, 3), 0, 14))
        pitch = 220 * 2 ** ((12 * (degree // 7) + (0, 2, 4, 5, 7, 9, 11)[degree % 7]) / 12)
        waves = np.sin(2 * np.pi * pitch * partials * time_in) * np.exp(-(3 + 2 * partials) * time_in) / partials
        yield (0.3 * waves.sum(1)).astype(np.float32)


PARTS = {
    "tests": tests,
    "engines": engines,
    "training": training,
    "convolutions": convolutions,
    "resume": resume,
    "real": real,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sequence", type=Path)
    parser.add_argument("--engine", default="graph")
    parser.add_argument("--size", default="toy")
    given = parser.parse_args(arguments)
    clock = Clock(given.seconds)
    # part by part a folder of its own
    given.scratch = given.scratch / f"{given.part}-{given.engine}-{given.size}"
    given.scratch.mkdir(parents=True, exist_ok=True)
    if given.part != "tests":
        set_up_torch(1, int(given.device == "cuda"), given.part in ("training", "real"))
    try:
        PARTS[given.part](given, clock)
    except DescantError as error:
        write_row(problem=f"{error.problem}; cure: {error.cure}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main(sys.argv[1:])
