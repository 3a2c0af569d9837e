"""Embed the excerpts of one set: of drawn audio, or of real tracks as they are, shuffled, or put in noise's place."""

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from descant.audio.rendered import open_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.distances import Distances
from descant.errors import SamplingError
from descant.evaluation.distances.embed import Cache, embed_set, write_set
from descant.evaluation.distances.kinds import KINDS, open_embedding, why_absent
from descant.evaluation.material import drawn_excerpts, real_excerpts, shuffled, white_noise
from descant.recordings import open_recordings

BLOCK_SECONDS = 0.25


def embed(
    settings: options.Settings,
    seconds: Annotated[float, typer.Option(help="length of an excerpt; not longer than what is drawn")],
    cache: Annotated[Path, typer.Option(help="Parquet file that keeps vectors from run to run, by what the audio is")],
    output: Annotated[Path, typer.Option(help="Parquet table to write: an excerpt's vector a row")],
    recordings: Annotated[Path | None, typer.Option(help="folder of the packed waveform, for real tracks")] = None,
    drawn: Annotated[Path | None, typer.Option(help="folder of audio that a model drew")] = None,
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="of real tracks")] = "test",
    change: Annotated[
        Literal["none", "shuffled", "noise"], typer.Option(help="what is done to the excerpts before")
    ] = "none",
    seed: options.Seed = 1,
    threads: options.Threads = 1,
) -> None:
    """Write the vectors of a set on every embedding that its excerpts are long enough for."""
    set_up_torch(threads, 0)
    section = cli.parse_settings(Distances, settings)
    most = section.excerpts_per_track
    if drawn is not None and recordings is None:
        rendered = open_rendered(drawn)
        excerpts, rate = drawn_excerpts(rendered, seconds, most), rendered.sample_rate
    elif recordings is not None and drawn is None:
        packed = open_recordings(recordings)
        excerpts, rate = real_excerpts(packed, split, seconds, most, section.tracks), packed.sample_rate
    else:
        raise SamplingError("there is not one thing to embed", "give either --recordings or --drawn")
    if change == "shuffled":
        excerpts = (shuffled(excerpt, rate, BLOCK_SECONDS, seed) for excerpt in excerpts)
    elif change == "noise":
        excerpts = (white_noise(excerpt, seed) for excerpt in excerpts)
    kept = Cache(cache)
    kept.read()
    embeddings = {kind: open_embedding(kind, threads) for kind in KINDS if not why_absent(kind, seconds)}
    table, computed = embed_set(excerpts, embeddings, rate, kept)
    write_set(table, output)
    logging.info("%d vectors, %d of them computed now", len(table), computed)


if __name__ == "__main__":
    cli.run(embed)
