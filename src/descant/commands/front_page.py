"""Build the first page of the report."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.evaluation.front_page import (
    FrontPage,
    choose_rows,
    front_clips,
    front_html,
    music_in_words,
    read_rows,
    stage_links,
)
from descant.evaluation.pages import write_page
from descant.evaluation.provenance import read_network, scale_in_words
from descant.evaluation.site import PageError
from descant.evaluation.summaries import read_finding
from descant.evaluation.table_page import read_table
from descant.recordings import open_recordings
from descant.sequences import open_sequence


def named(option: str, given: list[str]) -> dict[str, Path]:
    """Paths by name, from ``NAME=PATH``.

    Raises:
        PageError: when one has no name.
    """
    paths = {}
    for item in given:
        name, separator, path = item.partition("=")
        if not separator or not name:
            raise PageError(f"{option} {item!r} has no name", f"write {option} NAME=PATH")
        paths[name] = Path(path)
    return paths


def front_page(
    table: Annotated[Path, typer.Option(help="CSV of the table")],
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio")],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform")],
    model: Annotated[list[Path], typer.Option(help="every model.safetensors of the run; repeat it")],
    audio: Annotated[list[str], typer.Option(help="MODEL=FOLDER of the audio that it drew; repeat it")],
    source: Annotated[str, typer.Option(help="where the music comes from, in words")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    summary: Annotated[list[str] | None, typer.Option(help="MEASURE=summary.json; repeat it")] = None,
    title: Annotated[str, typer.Option(help="of the page")] = "This run",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with what was trained on, the table, four players and what the measures found."""
    packed, site = open_sequence(sequence), pages or []
    addresses = [page.rpartition("=")[2] for page in site]
    rows = read_rows(read_table(table), addresses)
    titles = {row.model: row.title for row in rows}
    page = FrontPage(
        title=title,
        scale=scale_in_words([read_network(path) for path in model], packed),
        music=music_in_words(packed, source),
        rows=rows,
        fewest=min(rows, key=lambda row: row.bits).model,
        clips=front_clips(choose_rows(rows), named("--audio", audio), open_recordings(recordings)),
        findings=[
            read_finding(name, path, titles, addresses) for name, path in named("--summary", summary or []).items()
        ],
        stages=stage_links(site),
    )
    write_page(output, front_html(page), site)


if __name__ == "__main__":
    cli.run(front_page)
