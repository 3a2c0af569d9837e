"""Encode a sequence into a network's codes."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.modelfile import check_streams, read_model
from descant.sequences import SequenceWriter, open_checked
from descant.systems.coder import Coder
from descant.systems.restore import restore


def codes(
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="folder to write the packed codes to")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Encode every track of a sequence; the codes keep its index with lengths divided by the hop, rounded up."""
    device = set_up_torch(threads, gpus)
    below, file = open_checked(sequence), read_model(model)
    check_streams(file, {file.facts.learnt.stream: below})
    system = restore(file, Coder).to(device)  # type: ignore[type-abstract]
    hop, channels = below.hop * system.hop, system.code_channels
    with SequenceWriter(output, system.codes, hop, below.sample_rate, channels) as writer:
        for track in tqdm(below.tracks(), disable=None, unit="track"):
            writer.add(track.track, track.split, track.labels, system.code_blocks(below.steps(track), device))


if __name__ == "__main__":
    cli.run(codes)
