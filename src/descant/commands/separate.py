"""``separate``: take the stem that is trained on out of each track."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Separation
from descant.corpus.outputs import whole_folder
from descant.corpus.separate import separate

log = logging.getLogger(__name__)


def main(
    settings: Annotated[str, typer.Option(help="the section 'separation' of the configuration, as JSON")],
    tracks: Annotated[Path, typer.Option(help="folder of verified tracks that 'ingest' made")],
    output: Annotated[Path, typer.Option(help="folder to make, with the stem of each track under the same name")],
) -> None:
    """Separate all tracks of a shard. With method 'none' they are linked as they are."""
    with whole_folder(output) as folder:
        count = separate(parse_settings(Separation, settings), tracks, folder)
    log.info("%d tracks", count)


if __name__ == "__main__":
    run(main)
