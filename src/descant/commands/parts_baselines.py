"""Measure what counting alone knows of music in parts: the bar for networks."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.config.evaluation import Evaluation
from descant.evaluation.parts_baselines import BaselineRow, measure_baselines
from descant.evaluation.parts_material import read_pieces
from descant.results import write_json, write_rows
from descant.sequences import open_checked
from descant.statistics import Bootstrap

log = logging.getLogger(__name__)


def parts_baselines(
    settings: options.Settings,
    seed: options.Seed,
    sequence: options.SequenceFolder,
    pieces: options.Pieces,
    output: Annotated[Path, typer.Option(help="JSON to write: all figures with their intervals")],
    table: Annotated[Path, typer.Option(help="CSV table to write: a row for each baseline, task and coding")],
) -> None:
    """Learn unigrams, copying and n-grams from the training pieces, and score them on the test pieces.

    Transposed copies are made here, where a baseline is learnt from them; those in the sequence are passed over.
    """
    section = cli.parse_settings(Evaluation, settings)
    read = read_pieces(open_checked(sequence), pieces)
    bootstrap = Bootstrap(section.bootstrap_draws, section.confidence, seed)
    found = measure_baselines(read.train, read.test, read.clean, bootstrap)
    write_json(output, found)
    write_rows(table, BaselineRow, found.rows)
    for line in found.rows:
        log.info(
            "%s, %s, %s, %s: %.3f nats a token, %.3f a changed one; accuracy %.3f, of changed ones %.3f",
            line.task, line.coding, line.baseline, line.material,
            line.nats_per_token, line.nats_per_changed_token, line.accuracy, line.changed_accuracy,
        )  # fmt: skip


if __name__ == "__main__":
    cli.run(parts_baselines)
