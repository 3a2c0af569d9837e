"""Serve the listening test."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.config.listening import Listening
from descant.listening.files import read_design, read_manifest
from descant.listening.running import serve
from descant.listening.store import PEOPLE_FILE, Store
from descant.listening.study import Study


def listen(
    settings: Annotated[str, typer.Option(help="the resolved section of the configuration, as JSON text")],
    manifest: Annotated[Path, typer.Option(help="manifest.json of the stimuli")],
    design: Annotated[Path, typer.Option(help="design.json: who hears what")],
    stimuli: Annotated[Path, typer.Option(help="folder of the stimuli")],
) -> None:
    """Serve the listening test until Ctrl-C; every rating is on disk before it is acknowledged."""
    section = cli.parse_settings(Listening, settings)
    folder = Path(section.folder)
    study = Study.open(read_manifest(manifest), read_design(design), stimuli, section.must_hear)
    with Store(folder / PEOPLE_FILE, "people") as store:
        store.add_test(study.manifest, study.design)
        if others := store.ratings_of_others(study.design.design):
            logging.warning(
                "%d ratings in %s are of another test: its clips or settings were others. They are kept, and do not "
                "count for this one; with the clips and settings of before they count again",
                others,
                folder / PEOPLE_FILE,
            )
        serve(study, store, section.host, section.port, section.names, folder, section.most_sessions)


if __name__ == "__main__":
    cli.run(listen)
