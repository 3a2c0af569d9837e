"""VQ-VAEs of the waveform: what settings are worth after as many minutes of training on one core.

    python benchmarks/vqvaes.py results/sequences/waveform --level bottom --minutes 1 \\
        --change '{}' --change '{"loss": {"spectrum": "log_mel"}}' --change '{"codebook": {"ema_decay": 0.99}}'

Each is the level of a configuration with a change laid over it, trained by the product's own loop for so many steps as
take about ``--minutes`` of CPU time, which is measured first, with its schedule's shares as they are. Then test tracks
are encoded and decoded again: spectral convergence, log-spectral distance and signal-to-noise ratio of the middles of
all of them, how many of the codes are used, and their perplexity, of several quantisers together.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer

from descant.audio.clips import from_16_bit
from descant.config.loading import load, merge
from descant.config.vqvaes import VQVAE
from descant.evaluation.code_usage import Usage
from descant.evaluation.distortion import log_spectral_distance, snr_db, spectral_convergence_db
from descant.sequences import PackedSequence, open_sequence
from descant.systems.base import WAVEFORM
from descant.systems.vqvae import VQVAESystem
from descant.training.devices import Devices
from descant.training.session import Session, build_trainer

ROOT = Path(__file__).parents[1]
TIMED_STEPS, SECONDS = 20, 4.0
CPU = torch.device("cpu")


def session_of(level: dict[str, Any], steps: int, runs: Path) -> Session:
    """A training of a level for so many steps, that says nothing on its way."""
    quiet = {"steps": steps, "log_every": 10**6, "validate_every": 10**6, "checkpoint_every": 10**6}
    warmup = min(level["training"]["schedule"]["warmup_steps"], steps // 2)
    training = merge(level["training"], {**quiet, "schedule": {"warmup_steps": warmup}})
    return Session("vqvae", VQVAE.model_validate({**level, "training": training}), runs, 1, Devices())


def trained(level: dict[str, Any], waveform: PackedSequence, minutes: float) -> tuple[VQVAESystem, int, float]:
    """A level after so many minutes: its system, its steps, and the CPU minutes that they took."""
    streams = {WAVEFORM: waveform}
    with TemporaryDirectory() as folder:
        began = time.process_time()
        build_trainer(session_of(level, TIMED_STEPS, Path(folder) / "timed"), streams).run()
        steps = max(TIMED_STEPS, round(TIMED_STEPS * 60 * minutes / (time.process_time() - began)))
        trainer, began = build_trainer(session_of(level, steps, Path(folder)), streams), time.process_time()
        trainer.run()
    system = trainer.averaged or trainer.system
    assert isinstance(system, VQVAESystem)
    return system.eval(), steps, (time.process_time() - began) / 60


def measured(system: VQVAESystem, waveform: PackedSequence) -> list[float]:
    """Means over test tracks of convergence, LSD and SNR, and of all codes the share used and the perplexity."""
    rate, figures = waveform.sample_rate, []
    counts = np.zeros(system.codes * max(1, system.code_channels), np.int64)
    first = system.codes * np.arange(max(1, system.code_channels))
    for track in waveform.tracks("test"):
        samples = np.asarray(waveform.steps(track))
        codes = np.concatenate(list(system.code_blocks(samples, CPU)))
        counts += np.bincount((codes.reshape(len(codes), -1) + first).ravel(), minlength=len(counts))
        made = np.concatenate(list(system.sound_blocks(codes, CPU)))
        start = max(0, len(samples) - round(SECONDS * rate)) // 2
        heard = slice(start, start + round(SECONDS * rate))
        true, other = from_16_bit(samples[heard]), made[: len(samples)][heard]
        both = spectral_convergence_db(true, other, rate), log_spectral_distance(true, other), snr_db(true, other)
        figures.append([np.nan if figure is None else figure for figure in both])
    usage = Usage(counts.tolist())
    return [*np.nanmean(figures, axis=0), usage.used_share or 0.0, usage.perplexity or 0.0]


def main(
    sequence: Annotated[Path, typer.Argument(help="folder of a packed waveform, results/sequences/waveform of a run")],
    change: Annotated[list[str], typer.Option(help="what lies over the level's section, as JSON text; {} = nothing")],
    config: Annotated[Path, typer.Option(help="configuration that has the level")] = ROOT / "config" / "house.yaml",
    level: Annotated[str, typer.Option(help="name of the level, of vqvaes")] = "bottom",
    minutes: Annotated[float, typer.Option(help="CPU minutes of each")] = 1.0,
) -> None:
    """Print a table of what each change is worth."""
    torch.set_num_threads(1)
    waveform = open_sequence(sequence)
    base = load(ROOT / "config.yaml", config).vqvaes[level].model_dump(mode="json")
    print("| change | steps | CPU min | convergence, dB | LSD, dB | SNR, dB | codes used | perplexity |")
    print("|---|---|---|---|---|---|---|---|")
    for text in change:
        system, steps, took = trained(merge(base, json.loads(text)), waveform, minutes)
        convergence, lsd, snr, used, perplexity = measured(system, waveform)
        print(
            f"| `{text}` | {steps} | {took:.1f} | {convergence:.1f} | {lsd:.1f} | {snr:.1f} | {100 * used:.0f} % "
            f"| {perplexity:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    typer.run(main)
