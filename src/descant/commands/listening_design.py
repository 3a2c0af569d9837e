"""Deal the clips of the listening test to the planned raters, and log what so many can find."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.config.listening import Listening
from descant.listening.design import make_lists
from descant.listening.files import Design, read_manifest, write_json
from descant.listening.plan_text import plan_in_words
from descant.listening.power import power_of


def listening_design(
    settings: options.Settings,
    manifest: Annotated[Path, typer.Option(help="JSON that 'stimuli' wrote")],
    output: Annotated[Path, typer.Option(help="JSON to write: a list of pages for every planned rater")],
    seed: options.Seed = 1,
) -> None:
    """Write balanced lists, and print the smallest difference that the planned raters would find."""
    listening = cli.parse_settings(Listening, settings)
    read = read_manifest(manifest)
    lists = make_lists(read, listening, seed)
    design = Design(
        design=read.design,
        type=listening.type,
        lists=lists,
        raters_planned=listening.raters,
        power=power_of(read, lists, listening.type, listening.assumed, seed),
    )
    write_json(output, design)
    typer.echo(plan_in_words(read, design))


if __name__ == "__main__":
    cli.run(listening_design)
