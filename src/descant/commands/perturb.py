"""Write a past with noise in it, beside a packed sequence of audio."""

from pathlib import Path
from typing import Annotated, Any

import numpy.typing as npt
import typer
from tqdm import tqdm

from descant.audio import mulaw
from descant.commands import cli, options
from descant.config.networks import Perturbation
from descant.prediction.perturbation import perturb_track
from descant.sequences import SequenceWriter, open_checked


def perturb(
    settings: options.Settings,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="folder to write the packed sequence to")],
    seed: options.Seed = 1,
) -> None:
    """Mix the tracks that are learnt from with noise; those that are held out stay as they are."""
    noise, audio = cli.parse_settings(Perturbation, settings), open_checked(sequence)
    mulaw.check_classes(audio.classes, str(sequence))
    with SequenceWriter(output, audio.classes, audio.hop, audio.sample_rate) as writer:
        for track in tqdm(audio.tracks(), disable=None, unit="track"):
            steps: npt.NDArray[Any] = audio.steps(track)
            blocks = perturb_track(steps, noise, seed, track.track) if track.split == "train" else [steps]
            writer.add(track.track, track.split, track.labels, blocks)


if __name__ == "__main__":
    cli.run(perturb)
