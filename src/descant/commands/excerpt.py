"""``excerpt``: make the corpus of the song excerpt."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import run
from descant.corpus.excerpt import write_songs
from descant.corpus.outputs import whole_folder

log = logging.getLogger(__name__)


def main(output: Annotated[Path, typer.Option(help="folder to make, with the recordings")]) -> None:
    """Cut the mix of a song excerpt, which an installed package carries, into the recordings of a small corpus."""
    with whole_folder(output) as folder:
        count = write_songs(folder)
    log.info("%d recordings of a song by The Easton Ellises, CC BY-NC-SA 3.0", count)


if __name__ == "__main__":
    run(main)
