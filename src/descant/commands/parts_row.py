"""Measure a network of music in parts on test pieces, and what it draws."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Evaluation
from descant.evaluation.parts_material import read_pieces
from descant.evaluation.parts_row import measure_row
from descant.evaluation.parts_scores import Asked
from descant.evaluation.polyphonic_row import measure_polyphonic_row
from descant.results import write_json
from descant.sampling.composers import read_parts_model
from descant.sequences import open_checked
from descant.statistics import Bootstrap
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem
from descant.systems.rmvae import BaseRMVAE


def parts_row(
    name: Annotated[str, typer.Argument(help="of the row in the configuration")],
    title: Annotated[str, typer.Option(help="what people call it")],
    settings: options.Settings,
    seed: options.Seed,
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    pieces: options.Pieces,
    output: Annotated[Path, typer.Option(help="JSON to write: all figures with their intervals")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write how well it predicts and fills test pieces, and how what it draws differs from real pieces.

    Raises:
        ModelFileError: when the model is none of music in parts.
    """
    device = set_up_torch(threads, gpus)
    section, packed = cli.parse_settings(Evaluation, settings), open_checked(sequence)
    facts, system = read_parts_model(model, packed)
    read = read_pieces(packed, pieces)
    asked = Asked(
        model=name,
        title=title,
        kind=facts.kind,
        bound=isinstance(system, BaseRMVAE),
        test=dict(islice(read.test.items(), section.parts.test_pieces)),
        clean=read.clean,
        bootstrap=Bootstrap(section.bootstrap_draws, section.confidence, seed),
    )
    system.to(device)
    if isinstance(system, PolyphonicRMVAESystem):
        figures = measure_polyphonic_row(asked, system, read.train, section.parts, seed)
    else:
        figures = measure_row(asked, system, read, section.parts, seed)
    write_json(output, figures)


if __name__ == "__main__":
    cli.run(parts_row)
