"""Make sound of mel spectrograms or codes: the excerpts of test tracks by which the networks are judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from descant.audio import mulaw
from descant.audio.files import Block
from descant.audio.griffin_lim import griffin_lim
from descant.audio.rendered import write_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Reconstruction
from descant.config.mel import Mel
from descant.config.models import Sampling
from descant.corpus.outputs import whole_folder
from descant.evaluation.reconstruction import choose_stretches, tracks_of
from descant.evaluation.vocoded import codes_about, cut_sound, frames_of
from descant.modelfile import read_model
from descant.sampling.vocoding import Blocks, Vocoding, vocode
from descant.sequences import PackedSequence, open_checked
from descant.systems.restore import restore
from descant.systems.vqvae import VQVAESystem


def vocode_excerpts(
    settings: Annotated[str, typer.Option(help="the section sampling, as JSON text; for a vocoder that draws")],
    mel: Annotated[str, typer.Option(help="the section mel, as JSON text; for Griffin and Lim's iteration")],
    excerpts: Annotated[str, typer.Option(help="the section evaluation.reconstruction, as JSON text")],
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio")],
    output: Annotated[Path, typer.Option(help="folder to write: FLAC files of the excerpts, and a table of them")],
    frames: Annotated[
        Path | None,
        typer.Option(help="folder of packed spectrograms, true or predicted, or of codes; none = mu-law"),
    ] = None,
    rolls: Annotated[
        Path | None, typer.Option(help="folder of the packed rolls, for a vocoder that reads them")
    ] = None,
    vocoder: Annotated[
        Path | None, typer.Option(help="model file of a vocoder or of a VQ-VAE; none = Griffin and Lim's iteration")
    ] = None,
    runs: options.Runs = Path("results/runs"),
    seed: options.Seed = 1,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write the excerpts of test tracks that reconstructions are measured by, made of their spectrograms or codes."""
    device = set_up_torch(threads, gpus)
    drawn_by, bands = cli.parse_settings(Sampling, settings), cli.parse_settings(Mel, mel)
    audio = open_checked(sequence)
    stretches = choose_stretches(audio, cli.parse_settings(Reconstruction, excerpts))
    by = Vocoding(drawn_by, seed, threads, runs, device)

    def companded() -> Iterator[Block]:
        for one in stretches:
            yield mulaw.decode(np.asarray(audio.steps(one.track)[one.start : one.start + one.length]))

    def of_frames(packed: PackedSequence) -> Iterator[Block]:
        mels = frames_of(stretches, packed)
        if vocoder is None:
            sounds: Iterator[Blocks] = (iter([griffin_lim(one, packed.sample_rate, bands, seed)]) for one in mels)
        else:
            played = None if rolls is None else frames_of(stretches, open_checked(rolls))
            sounds = vocode(read_model(vocoder), mels, played, by) if mels else iter(())
        for stretch, blocks in zip(stretches, sounds, strict=True):
            yield cut_sound(np.concatenate(list(blocks)), stretch, packed.hop)

    def of_codes(packed: PackedSequence, decoder: VQVAESystem) -> Iterator[Block]:
        reach = decoder.decoder.reach.left
        for stretch, track in zip(stretches, tracks_of(stretches, packed, "codes"), strict=True):
            codes, start = codes_about(stretch, packed, track, reach)
            yield np.concatenate(list(decoder.sound_blocks(codes, device)))[start : start + stretch.length]

    if frames is None:
        made = companded()
    elif vocoder is not None and (file := read_model(vocoder)).facts.kind == "vqvae":
        made = of_codes(open_checked(frames), restore(file, VQVAESystem).to(device))
    else:
        made = of_frames(open_checked(frames))
    shown = tqdm(made, total=len(stretches), disable=None, unit="excerpt")
    with whole_folder(output) as folder:
        write_rendered(folder, shown, len(stretches), audio.sample_rate)


if __name__ == "__main__":
    cli.run(vocode_excerpts)
