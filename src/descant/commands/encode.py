"""``encode``: turn one shard's tracks into sequences."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import options
from descant.commands.cli import parse_settings, run
from descant.config.corpus import Audio
from descant.corpus.encode import encode_shard
from descant.corpus.table import read_table, write_table

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'audio' of the configuration, as JSON")],
    table: Annotated[Path, typer.Option(help="the shard's table that 'ingest' wrote")],
    tracks: Annotated[Path, typer.Option(help="folder of the tracks' audio that 'separate' made")],
    output: Annotated[Path, typer.Option(help="folder of the mu-law sequence to write")],
    waveform: Annotated[Path, typer.Option(help="folder of the sequence of 16-bit samples to write")],
    output_table: Annotated[Path, typer.Option(help="Parquet table to write: what is trained on, and why not")],
    downmix: options.Downmixed = "auto",
) -> None:
    """Mix each track to mono and resample it; pack the tracks as 16-bit samples, and encoded to 8-bit mu-law.

    What is checked is what is trained on: a track that is silent once it is mixed is set aside, and what mixing or
    mu-law takes from a quiet one is said in the table.
    """
    audio = parse_settings(Audio, settings)
    entries = encode_shard(read_table(table), tracks, output, waveform, audio, downmix)
    write_table(entries, output_table)
    log.info("%d tracks encoded", sum(entry.is_used for entry in entries))


if __name__ == "__main__":
    run(main)
