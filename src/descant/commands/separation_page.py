"""Build the page on which mixes and stems are listened to."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.errors import CorpusError
from descant.evaluation.pages import write_page
from descant.evaluation.separation_page import build_page, read_stems, separation_html


def separation_page(
    stems: Annotated[list[Path], typer.Option(help="tables of stems that 'separate' wrote, all shards")],
    mixes: Annotated[list[Path], typer.Option(help="folders of the tracks before separation, in the same order")],
    separated: Annotated[list[Path], typer.Option(help="folders of the stems, in the same order")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    show: Annotated[int, typer.Option(min=1, help="tracks on the page, at most")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="length of an excerpt, at most")] = 10.0,
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with a few tracks to hear as mix and as stem, and what was measured of them."""
    if not len(stems) == len(mixes) == len(separated):
        raise CorpusError("--stems, --mixes and --separated differ in number", "give one of each for a shard")
    write_page(output, separation_html(build_page(read_stems(stems), mixes, separated, show, seconds)), pages or [])


if __name__ == "__main__":
    cli.run(separation_page)
