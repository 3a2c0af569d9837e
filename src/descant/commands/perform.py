"""Play the scores of a corpus with a trained Mel2Mel: the mel spectrograms that it predicts of every track."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from tqdm import tqdm

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.mel import MEL, ROLL
from descant.modelfile import check_streams, read_model
from descant.sequences import INSTRUMENT, SequenceWriter, open_checked
from descant.systems.mel2mel import Mel2MelSystem
from descant.systems.restore import restore


def perform(
    model: options.ModelPath,
    roll: Annotated[Path, typer.Option(help="folder of the packed rolls that it was trained on")],
    output: Annotated[Path, typer.Option(help="folder to write the packed spectrograms to")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Predict every track's frames from its score and its instrument, float16; the index stays the same."""
    device = set_up_torch(threads, gpus)
    file, scores = read_model(model), open_checked(roll)
    check_streams(file, {ROLL: scores})
    system, frames = restore(file, Mel2MelSystem).to(device).eval(), file.facts.by_stream[MEL]
    ids = {name: number for number, name in enumerate(file.facts.learnt.labels[INSTRUMENT].names, start=1)}

    def timbre_of(instrument: str) -> Callable[[int, int], Tensor]:
        with torch.inference_mode():
            point = system.timbres(torch.tensor([ids.get(instrument, 0)], device=device))
        return lambda start, stop: point.expand(stop - start, -1)

    with SequenceWriter(
        output, 0, frames.hop, frames.sample_rate, channels=frames.channels, dtype=np.float16
    ) as writer:
        for track in tqdm(scores.tracks(), disable=None, unit="track"):
            played = system.perform(scores.steps(track), timbre_of(track.labels.instrument))
            writer.add(track.track, track.split, track.labels, played)


if __name__ == "__main__":
    cli.run(perform)
