"""``encode``: turn one shard's tracks into sequences."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Audio
from descant.corpus.encode import encode_shard
from descant.corpus.table import read_table

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'audio' of the configuration, as JSON")],
    length_multiple: Annotated[int, typer.Option(min=1, help="each track is cut to a multiple of so many samples")],
    table: Annotated[Path, typer.Option(help="the shard's table that 'ingest' wrote")],
    tracks: Annotated[Path, typer.Option(help="folder of the tracks' audio that 'separate' made")],
    output: Annotated[Path, typer.Option(help="folder of the mu-law sequence to write")],
    waveform: Annotated[Path, typer.Option(help="folder of the sequence of 16-bit samples to write")],
) -> None:
    """Mix each track to mono and resample it; pack the tracks as 16-bit samples, and encoded to 8-bit mu-law."""
    section = parse_settings(Audio, settings)
    kept = encode_shard(read_table(table), tracks, output, waveform, section, length_multiple)
    log.info("%d tracks encoded", kept)


if __name__ == "__main__":
    run(main)
