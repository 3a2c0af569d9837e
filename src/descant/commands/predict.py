"""Write what a linear predictor says of a packed sequence of audio."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from descant.audio import mulaw
from descant.commands import cli, options
from descant.config.networks import LinearPrediction
from descant.prediction.predictor import predict_track
from descant.sequences import SequenceWriter, open_checked


def predict(
    settings: options.Settings,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="folder to write the packed predictions to")],
) -> None:
    """Predict every step of every track from those before it; networks with such a predictor inside read that.

    The index stays the same; a step has a prediction and a scale, both real numbers.
    """
    predictor, audio = cli.parse_settings(LinearPrediction, settings), open_checked(sequence)
    mulaw.check_classes(audio.classes, str(sequence))
    with SequenceWriter(output, 0, audio.hop, audio.sample_rate, channels=2, dtype=np.float32) as writer:
        for track in tqdm(audio.tracks(), disable=None, unit="track"):
            writer.add(track.track, track.split, track.labels, predict_track(audio.steps(track), predictor))


if __name__ == "__main__":
    cli.run(predict)
