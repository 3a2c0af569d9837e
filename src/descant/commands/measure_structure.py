"""Measure musical structure and level of excerpts."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli
from descant.config.structure import Structure
from descant.corpus.outputs import whole_folder
from descant.evaluation.structure.conditions import open_material
from descant.evaluation.structure.measure import Gathered, measure_excerpt


def measure_structure(
    settings: Annotated[str, typer.Option(help="the section evaluation.structure, as JSON text")],
    seconds: Annotated[float, typer.Option(min=0.001, help="length of an excerpt")],
    output: Annotated[Path, typer.Option(help="folder to write: measures.csv, curves.csv, similarity.npy")],
    recordings: Annotated[Path | None, typer.Option(help="folder of the packed waveform, for real music")] = None,
    drawn: Annotated[Path | None, typer.Option(help="folder of audio that a model drew")] = None,
    seed: Annotated[int, typer.Option(help="root seed")] = 1,
) -> None:
    """Measure excerpts of test tracks, with the same shuffled and white noise, or excerpts of drawn audio."""
    section = cli.parse_settings(Structure, settings)
    material = open_material(recordings, drawn, seconds, section, seed)
    gathered = Gathered()
    for condition, excerpt in tqdm(material.excerpts, disable=None, unit="excerpt"):
        gathered.add(condition, excerpt, measure_excerpt(excerpt, material.sample_rate))
    with whole_folder(output) as folder:
        gathered.write(folder)


if __name__ == "__main__":
    cli.run(measure_structure)
