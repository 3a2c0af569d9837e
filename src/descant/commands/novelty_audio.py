"""Search a model's drawn audio for copies of the training music."""

from pathlib import Path
from typing import Annotated

import typer

from descant.audio.rendered import open_rendered
from descant.commands import cli
from descant.config.novelty import Novelty
from descant.evaluation.novelty.drawn import search_audio
from descant.evaluation.novelty.features import open_features
from descant.evaluation.novelty.results import AudioCalibration
from descant.results import read_json, write_json


def novelty_audio(
    settings: Annotated[str, typer.Option(help="the section evaluation.novelty, as JSON text")],
    calibration: Annotated[Path, typer.Option(help="JSON that novelty_calibration wrote for clips of this length")],
    features: Annotated[Path, typer.Option(help="folder that novelty_features wrote")],
    drawn: Annotated[Path, typer.Option(help="folder of audio that the model drew")],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
) -> None:
    """Find the nearest place in the training music of every window, by its fingerprint and by its notes."""
    section, known = cli.parse_settings(Novelty, settings), read_json(AudioCalibration, calibration)
    write_json(output, search_audio(section, known, open_rendered(drawn), open_features(features)))


if __name__ == "__main__":
    cli.run(novelty_audio)
