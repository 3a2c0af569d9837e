"""Measure what counting alone knows of music in parts: the bar for networks."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.config.evaluation import Evaluation
from descant.evaluation.parts_baselines import BaselineRow, measure_baselines
from descant.evaluation.parts_material import read_pieces
from descant.evaluation.polyphonic_scores import measure_polyphonic_baselines
from descant.results import write_json, write_rows
from descant.scores.forms import form_of
from descant.sequences import open_checked
from descant.statistics import Bootstrap

log = logging.getLogger(__name__)
LOGGED = ("nats_per_token", "nats_per_changed_token", "accuracy", "changed_accuracy", "note_f1", "duration_error")


def parts_baselines(
    settings: options.Settings,
    seed: options.Seed,
    sequence: options.SequenceFolder,
    pieces: options.Pieces,
    output: Annotated[Path, typer.Option(help="JSON to write: all figures with their intervals")],
    table: Annotated[Path, typer.Option(help="CSV table to write: a row for each baseline, task and coding")],
) -> None:
    """Learn unigrams, copying and n-grams from the training pieces, and score them on the test pieces.

    Of polyphonic pieces: how often each pitch begins, and copying.

    Transposed copies are made here, where a baseline is learnt from them; those in the sequence are passed over.
    """
    section = cli.parse_settings(Evaluation, settings)
    packed = open_checked(sequence)
    read = read_pieces(packed, pieces)
    bootstrap = Bootstrap(section.bootstrap_draws, section.confidence, seed)
    measure = measure_polyphonic_baselines if form_of(packed.classes) == "polyphonic" else measure_baselines
    found = measure(read.train, read.test, read.clean, bootstrap)
    write_json(output, found)
    write_rows(table, BaselineRow, found.rows)
    for line in found.rows:
        figures = {key: value for key in LOGGED if (value := getattr(line, key)) is not None}
        words = ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in figures.items())
        log.info("%s, %s, %s, %s: %s", line.task, line.coding, line.baseline, line.material, words)


if __name__ == "__main__":
    cli.run(parts_baselines)
