"""Encode a sequence into an ADA's codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.modelfile import check_streams, read_model
from descant.sequences import SequenceWriter, open_checked
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS
from descant.systems.restore import restore

BLOCK_STEPS = 1 << 16


def code_blocks(system: ADASystem, steps: npt.NDArray[Any], device: torch.device) -> Iterator[npt.NDArray[Any]]:
    """Codes of one track, block by block, equal to encoding it whole."""
    codes, block = len(steps) // system.hop, max(1, BLOCK_STEPS // system.hop)
    for start in range(0, codes, block):
        stop = min(codes, start + block)
        left, right = system.encoder_span(start, stop, codes * system.hop)
        part = torch.from_numpy(steps[left:right].astype(np.int64))[None].to(device)
        first = start - left // system.hop
        with torch.inference_mode():
            yield system.encode(part)[0, first : first + stop - start].cpu().numpy()


def codes(
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="folder to write the packed codes to")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Encode every track of a sequence; the codes keep its index with lengths divided by the hop."""
    device = set_up_torch(threads, gpus)
    below, file = open_checked(sequence), read_model(model)
    check_streams(file, {STEPS: below})
    system = restore(file, ADASystem).to(device)
    with SequenceWriter(output, system.codes, below.hop * system.hop, below.sample_rate) as writer:
        for track in tqdm(below.tracks(), disable=None, unit="track"):
            writer.add(track.track, track.split, track.labels, code_blocks(system, below.steps(track), device))


if __name__ == "__main__":
    cli.run(codes)
