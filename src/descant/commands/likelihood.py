"""Score held-out tracks: a prior on its sequence, or what draws a sequence given the codes above."""

from pathlib import Path
from typing import Annotated, Any

import numpy.typing as npt
import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import Evaluation
from descant.errors import SequenceError
from descant.evaluation.code_usage import shuffled_codes
from descant.evaluation.likelihood import (
    ada_bits,
    asked_of,
    codes_by_track,
    prior_bits,
    score_split,
    transformer_bits,
)
from descant.modelfile import check_streams, read_model
from descant.sequences import PackedSequence, open_checked
from descant.systems.base import STEPS
from descant.systems.conditioned import ConditionedWaveNet
from descant.systems.restore import restore
from descant.systems.transformer import TransformerSystem
from descant.systems.wavenet import WaveNetSystem

TRANSFORMERS = ("transformer", "upsampler")


def likelihood(
    settings: options.Settings,
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    output: Annotated[Path, typer.Option(help="Parquet table to write: track, steps, samples, bits")],
    codes: Annotated[Path | None, typer.Option(help="folder of the codes above; leave out for a prior")] = None,
    shuffle_seed: Annotated[
        int | None, typer.Option(min=0, help="put each track's codes in a random order first: what are they worth?")
    ] = None,
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write the bits of every test track: of a prior, or with --codes of what draws the sequence given them."""
    device = set_up_torch(threads, gpus)
    evaluation = cli.parse_settings(Evaluation, settings)
    file, scored = read_model(model), open_checked(sequence)
    check_streams(file, {STEPS: scored})
    limit = evaluation.max_seconds_per_track
    samples = None if limit is None else max(1, round(limit * scored.sample_rate))
    above = None if codes is None else open_checked(codes)

    def given_of(track: str, length: int, hop: int) -> npt.NDArray[Any]:
        of_track = by_track[track][: -(-length // hop)]
        return of_track if shuffle_seed is None else shuffled_codes(of_track, track, shuffle_seed)

    # one registered kind or another: what can be restored as it
    if file.facts.kind in TRANSFORMERS:
        network = restore(file, TransformerSystem).to(device)
        by_track = {} if above is None else _codes_above(above, scored, network.hop)
        tracks = {track.track: track for track in scored.tracks("test")}

        def bits_of(steps: npt.NDArray[Any], track: str) -> float:
            asked = asked_of(file.facts.learnt, tracks[track])
            given = None if above is None else given_of(track, len(steps), network.hop)
            return transformer_bits(network, steps, given, asked, device)

    elif above is None:
        prior = restore(file, WaveNetSystem).to(device)

        def bits_of(steps: npt.NDArray[Any], track: str) -> float:
            return prior_bits(prior, steps, evaluation.window, device)

    else:
        # mypy takes no abstract class for a value, https://github.com/python/mypy/issues/4717
        ada = restore(file, ConditionedWaveNet).to(device)  # type: ignore[type-abstract]
        by_track = _codes_above(above, scored, ada.hop)

        def bits_of(steps: npt.NDArray[Any], track: str) -> float:
            return ada_bits(ada, steps, given_of(track, len(steps), ada.hop), evaluation.window, device)

    table = score_split(scored, "test", samples, bits_of)
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(output)


def _codes_above(codes: PackedSequence, scored: PackedSequence, hop: int) -> dict[str, npt.NDArray[Any]]:
    """The codes of each track.

    Raises:
        SequenceError: when they are not of the same tracks, at a hop.
    """
    lengths = -(-scored.index["length"] // hop)
    if not codes.index["track"].equals(scored.index["track"]) or not codes.index["length"].equals(lengths):
        raise SequenceError(f"{codes.name} holds no codes of {scored.name} at hop {hop}", "delete both and run again")
    return codes_by_track(codes)


if __name__ == "__main__":
    cli.run(likelihood)
