"""Set the thresholds of the searches of audio for copies."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.config.novelty import Novelty
from descant.evaluation.novelty.drawn import calibrate_audio
from descant.evaluation.novelty.features import open_features
from descant.recordings import open_recordings
from descant.results import write_json


def novelty_calibration(
    settings: Annotated[str, typer.Option(help="the section evaluation.novelty, as JSON text")],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform")],
    features: Annotated[Path, typer.Option(help="folder that novelty_features wrote")],
    samples: Annotated[int, typer.Option(min=1, help="length of a drawn clip, samples")],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
    seed: Annotated[int, typer.Option(help="root seed")] = 1,
) -> None:
    """Compare held-out music, and planted copies, with the training music, for drawn clips of one length."""
    section = cli.parse_settings(Novelty, settings)
    packed, opened = open_recordings(recordings), open_features(features)
    write_json(output, calibrate_audio(section, packed, opened, samples, seed))


if __name__ == "__main__":
    cli.run(novelty_calibration)
