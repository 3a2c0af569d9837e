"""Make sound of mel spectrograms: the excerpts of test tracks by which vocoders and Mel2Mels are judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from descant.audio.clips import to_16_bit
from descant.audio.griffin_lim import griffin_lim
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Reconstruction
from descant.config.mel import Mel
from descant.config.models import Sampling
from descant.evaluation.reconstruction import choose_stretches
from descant.evaluation.vocoded import cut_sound, frames_of
from descant.modelfile import read_model
from descant.sampling.vocoding import Blocks, Vocoding, vocode
from descant.sequences import open_checked
from descant.steps import write_steps


def vocode_excerpts(
    settings: Annotated[str, typer.Option(help="the section sampling, as JSON text; for a vocoder that draws")],
    mel: Annotated[str, typer.Option(help="the section mel, as JSON text; for Griffin and Lim's iteration")],
    excerpts: Annotated[str, typer.Option(help="the section evaluation.reconstruction, as JSON text")],
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio")],
    frames: Annotated[Path, typer.Option(help="folder of the packed spectrograms, true or predicted")],
    output: Annotated[Path, typer.Option(help=".npy to write: 16-bit samples (excerpts, samples)")],
    vocoder: Annotated[Path | None, typer.Option(help="model file; none = Griffin and Lim's iteration")] = None,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Make the same excerpts of test tracks that the measures of reconstructions use of their mel spectrograms."""
    device = set_up_torch(threads, gpus)
    drawn_by, bands = cli.parse_settings(Sampling, settings), cli.parse_settings(Mel, mel)
    audio, packed = open_checked(sequence), open_checked(frames)
    stretches = choose_stretches(audio, cli.parse_settings(Reconstruction, excerpts))
    if not stretches:
        write_steps(output, np.zeros((0, 0), np.int16))
        return
    mels = frames_of(stretches, packed)

    def by_iteration() -> Iterator[Blocks]:
        for one in mels:
            yield iter([griffin_lim(one, packed.sample_rate, bands, seed)])

    by = Vocoding(drawn_by, seed, threads, runs, device)
    sounds = by_iteration() if vocoder is None else vocode(read_model(vocoder), mels, by)
    made = []
    for stretch, blocks in tqdm(
        zip(stretches, sounds, strict=True), total=len(stretches), disable=None, unit="excerpt"
    ):
        sound = np.concatenate(list(blocks))
        made.append(to_16_bit(cut_sound(sound, stretch, packed.hop)))
    write_steps(output, np.stack(made))


if __name__ == "__main__":
    cli.run(vocode_excerpts)
