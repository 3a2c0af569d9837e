"""``scan``: list what the corpus consists of."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import parse_settings, run
from descant.config.corpus import Corpus
from descant.corpus.scan import OTHER_KIND, scan, write_items

log = logging.getLogger(__name__)

# ours: about an hour of work on songs
MANY = 1000


def main(
    settings: Annotated[str, typer.Option(help="the section 'corpus' of the configuration, as JSON")],
    output: Annotated[Path, typer.Option(help="Parquet table to write: an item a row")],
) -> None:
    """List the recordings or scores of the corpus, and what else its folder holds.

    Nothing is decoded. Files that cannot be used for what they are (links that lead out of the folder, unsupported
    formats, empty files) are listed with the reason, and so is what is no recording by its name.
    """
    corpus = parse_settings(Corpus, settings)
    items = scan(corpus)
    write_items(items, output)
    if len(items) > MANY * corpus.shards:
        log.warning("%d items a shard; with more corpus.shards more jobs run at once", len(items) // corpus.shards)
    music = [item for item in items if item.kind != OTHER_KIND]
    refused = sum(bool(item.refusal) for item in music)
    log.info(
        "%d items in %d shards, %d of them refused; %d rows of other files",
        len(music),
        corpus.shards,
        refused,
        len(items) - len(music),
    )


if __name__ == "__main__":
    run(main)
