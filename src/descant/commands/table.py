"""Write the table from the bits of all levels."""

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from descant.commands import cli, options
from descant.config.evaluation import Evaluation
from descant.config.models import Paper
from descant.evaluation.table import TRACK_COLUMNS, Row, build_table, read_bits, track_bits
from descant.evaluation.table_scores import join_scores, read_scores, real_music
from descant.evaluation.table_text import to_latex, to_markdown
from descant.statistics import Bootstrap


def read_row(facts: dict[str, Any]) -> Row:
    """A row from the JSON that the rule gives; ``bits`` are paths of Parquet tables, audio first."""
    paper = facts["paper"] and Paper.model_validate(facts["paper"])
    return Row(**{**facts, "bits": [read_bits(Path(path)) for path in facts["bits"]], "paper": paper})


def table(
    rows: Annotated[list[str], typer.Argument(help="a row each, as JSON: model, title, note, bits, paper …")],
    settings: options.Settings,
    sample_rate: Annotated[int, typer.Option(help="of the audio, Hz")],
    csv: Annotated[Path, typer.Option(help="CSV to write")],
    markdown: Annotated[Path, typer.Option(help="Markdown to write")],
    latex: Annotated[Path, typer.Option(help="LaTeX to write")],
    tracks: Annotated[Path, typer.Option(help="CSV to write: the bound of every model and test track")],
    seed: options.Seed = 1,
    scores: Annotated[Path | None, typer.Option(help="scores that people gave, where they did")] = None,
) -> None:
    """Write the table as CSV, Markdown and LaTeX, and what it is made of by test track."""
    evaluation = cli.parse_settings(Evaluation, settings)
    read = [read_row(json.loads(row)) for row in rows]
    built = build_table(read, sample_rate, Bootstrap(evaluation.bootstrap_draws, evaluation.confidence, seed))
    rated = ""
    if scores is not None:
        gathered = read_scores(scores)
        built, rated = join_scores(built, gathered), real_music(gathered)
    csv.parent.mkdir(parents=True, exist_ok=True)
    built.to_csv(csv, index=False)
    measured = [track_bits(row) for row in read if row.bits and not row.finest]
    by_track = pd.concat(measured) if measured else pd.DataFrame(columns=list(TRACK_COLUMNS))
    by_track.to_csv(tracks, index=False)
    markdown.write_text(to_markdown(built, rated), encoding="utf-8")
    latex.write_text(to_latex(built, rated), encoding="utf-8")


if __name__ == "__main__":
    cli.run(table)
