"""Encode what samples are to continue."""

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.models import Sampling
from descant.corpus.outputs import whole_folder
from descant.errors import SamplingError
from descant.modelfile import read_model
from descant.recordings import open_recordings
from descant.sampling.primes import cut_to_codes, encode_each, encode_levels, read_prime
from descant.steps import write_steps
from descant.systems.ada import ADASystem
from descant.systems.coder import Coder
from descant.systems.restore import restore
from descant.systems.vqvae import VQVAESystem


def prime(
    settings: options.Settings,
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform: held-out tracks, and the rate")],
    output: Annotated[Path, typer.Option(help="folder to write: waveform.npy, level0.npy, level1.npy, …")],
    model: Annotated[
        list[Path] | None,
        typer.Option(help="model.safetensors of every ADA, or VQ-VAE, of the row, bottom first; repeat it"),
    ] = None,
    downmix: options.Downmixed = "auto",
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write the audio that samples continue, and its steps at every level, which 'draw' and 'decode' take."""
    device = set_up_torch(threads, gpus)
    sampling = cli.parse_settings(Sampling, settings)
    if sampling.prime is None:
        raise SamplingError("the settings name no prime", "set sampling.prime.file or sampling.prime.track")
    packed = open_recordings(recordings)
    # mypy takes no abstract class for a value, https://github.com/python/mypy/issues/4717
    coders = [restore(read_model(path), Coder).to(device) for path in model or []]  # type: ignore[type-abstract]
    adas = [coder for coder in coders if isinstance(coder, ADASystem)]
    levels = [coder for coder in coders if isinstance(coder, VQVAESystem)]
    # ADAs stand upon each other, levels of Jukebox side by side on the waveform
    hop = math.lcm(math.prod(ada.hop for ada in adas), *(level.hop for level in levels))
    waveforms = cut_to_codes(read_prime(sampling.prime, packed, sampling.count, downmix), hop, packed.sample_rate)
    with whole_folder(output) as folder:
        np.save(folder / "waveform.npy", waveforms, allow_pickle=False)
        encoded = [*encode_levels(waveforms, adas, device), *encode_each(waveforms, levels, device)]
        for number, steps in enumerate(encoded):
            write_steps(folder / f"level{number}.npy", steps)


if __name__ == "__main__":
    cli.run(prime)
