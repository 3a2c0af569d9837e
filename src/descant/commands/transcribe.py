"""Transcribe excerpts to notes, and measure these."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli
from descant.config.structure import Structure, Transcription
from descant.corpus.outputs import whole_folder
from descant.evaluation.structure.conditions import open_material
from descant.evaluation.transcription.excerpts import transcribe_excerpts


def transcribe(
    settings: Annotated[str, typer.Option(help="the section evaluation.structure, as JSON text")],
    transcription: Annotated[str, typer.Option(help="the section evaluation.transcription, as JSON text")],
    seconds: Annotated[float, typer.Option(min=0.001, help="length of an excerpt")],
    output: Annotated[Path, typer.Option(help="folder to write: 00.mid, …, measures.csv, notes.csv")],
    recordings: Annotated[Path | None, typer.Option(help="folder of the packed waveform, for real music")] = None,
    drawn: Annotated[Path | None, typer.Option(help="folder of audio that a model drew")] = None,
    seed: Annotated[int, typer.Option(help="root seed")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the network")] = 1,
) -> None:
    """Find the notes of the excerpts that measure_structure measures; excerpts under 2 s are passed over."""
    section = cli.parse_settings(Structure, settings)
    material = open_material(recordings, drawn, seconds, section, seed)
    with whole_folder(output) as folder:
        transcribe_excerpts(
            tqdm(material.excerpts, disable=None, unit="excerpt"),
            material.sample_rate,
            cli.parse_settings(Transcription, transcription),
            seed,
            threads,
            folder,
        )


if __name__ == "__main__":
    cli.run(transcribe)
