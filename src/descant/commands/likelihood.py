"""Score held-out tracks: a prior on its sequence, or an ADA on the sequence below given its codes."""

from pathlib import Path
from typing import Annotated, Any

import numpy.typing as npt
import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Evaluation
from descant.errors import SequenceError
from descant.evaluation.code_usage import shuffled_codes
from descant.evaluation.likelihood import ada_bits, codes_by_track, prior_bits, score_split
from descant.modelfile import check_streams, read_model
from descant.sequences import open_checked
from descant.systems.ada import ADASystem
from descant.systems.base import STEPS
from descant.systems.restore import restore
from descant.systems.wavenet import WaveNetSystem


def likelihood(
    settings: options.Settings,
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="Parquet table to write: track, steps, samples, bits")],
    codes: Annotated[Path | None, typer.Option(help="folder of the ADA's codes; leave out for a prior")] = None,
    shuffle_seed: Annotated[
        int | None, typer.Option(min=0, help="put each track's codes in a random order first: what are they worth?")
    ] = None,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write the bits of every test track: of a prior, or with --codes of an ADA's local model given its codes."""
    device = set_up_torch(threads, gpus)
    evaluation = cli.parse_settings(Evaluation, settings)
    file, scored = read_model(model), open_checked(sequence)
    check_streams(file, {STEPS: scored})
    limit = evaluation.max_seconds_per_track
    samples = None if limit is None else max(1, round(limit * scored.sample_rate))
    if codes is None:
        prior = restore(file, WaveNetSystem).to(device)
        table = score_split(
            scored, "test", samples, lambda steps, track: prior_bits(prior, steps, evaluation.window, device)
        )
    else:
        ada, given = restore(file, ADASystem).to(device), open_checked(codes)
        lengths = -(-scored.index["length"] // ada.hop)
        if not given.index["track"].equals(scored.index["track"]) or not given.index["length"].equals(lengths):
            raise SequenceError(f"{codes} holds no codes of {sequence} by this ADA", "delete both and run again")
        by_track = codes_by_track(given)

        def bits_of(steps: npt.NDArray[Any], track: str) -> float:
            of_track = by_track[track][: -(-len(steps) // ada.hop)]
            if shuffle_seed is not None:
                of_track = shuffled_codes(of_track, track, shuffle_seed)
            return ada_bits(ada, steps, of_track, evaluation.window, device)

        table = score_split(scored, "test", samples, bits_of)
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(output)


if __name__ == "__main__":
    cli.run(likelihood)
