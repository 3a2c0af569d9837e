"""Take in ratings that were gathered without the server, or with other tools."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from descant.commands import cli
from descant.errors import ListeningError
from descant.listening.export import write_export
from descant.listening.files import read_design, read_manifest
from descant.listening.importers import import_files, parse_control, read_mturk, read_webmushra
from descant.listening.store import Store

COLUMN = "webmushra: column of the questionnaire that identifies raters, where the file has no session_uuid"
CONTROL = "mturk: FILE=FIDELITY,MUSICALITY, the highest values allowed for a control; repeat it"


class Form(StrEnum):
    """What wrote the files."""

    descant = "descant"
    webmushra = "webmushra"
    mturk = "mturk"


OURS = Form.descant
RATINGS = Path("ratings/ratings.sqlite")
FOLDER = Path("results/listening")


def import_ratings(
    files: Annotated[list[Path], typer.Argument(help="files to take in")],
    form: Annotated[Form, typer.Option(help="what wrote them: our static page, webMUSHRA, SaShiMi's MTurk kit")] = OURS,
    ratings: Annotated[Path, typer.Option(help="descant: SQLite file of people's ratings, which they join")] = RATINGS,
    manifest: Annotated[Path, typer.Option(help="descant: manifest of the test")] = FOLDER / "manifest.json",
    design: Annotated[Path, typer.Option(help="descant: design of the test")] = FOLDER / "design.json",
    output: Annotated[Path | None, typer.Option(help="other tools: table to write, .csv or .parquet")] = None,
    rater_column: Annotated[str | None, typer.Option(help=COLUMN)] = None,
    uids: Annotated[Path | None, typer.Option(help="mturk: uids.txt, what each file name stands for")] = None,
    real: Annotated[str, typer.Option(help="mturk: the method that is real music")] = "test",
    control: Annotated[list[str] | None, typer.Option(help=CONTROL)] = None,
) -> None:
    """Take in ratings.

    Those of this test's static page join the people's file, each once however often a file is given. Those of other
    tools become a table for 'listening_analysis', and never join this pipeline's own table.
    """
    if form is Form.descant:
        test, lists = read_manifest(manifest), read_design(design)
        with Store(ratings, "people") as store:
            for result in import_files(files, store, test, lists):
                logging.info("%s: %d new ratings of %d", result.path, result.added, result.ratings)
        return
    path = _needed(output, "ratings of other tools become a table: give --output")
    if form is Form.webmushra:
        table = pd.concat([read_webmushra(file, rater_column) for file in files], ignore_index=True)
    else:
        found = _needed(uids, "an MTurk study needs --uids, the file that says what each clip was")
        table = read_mturk(files, found, real, dict(parse_control(text) for text in control or []))
    write_export(table, path)
    logging.info("%d ratings of %d raters", len(table), table["session"].nunique())


def _needed(path: Path | None, cure: str) -> Path:
    if path is None:
        raise ListeningError("an option is missing", cure)
    return path


if __name__ == "__main__":
    cli.run(import_ratings)
