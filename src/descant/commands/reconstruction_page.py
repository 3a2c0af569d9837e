"""Measure the reconstructions and the codes, and build their page."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.config.evaluation import Evaluation
from descant.corpus.outputs import whole_file
from descant.errors import SequenceError
from descant.evaluation.code_usage import count_codes, measure_worth
from descant.evaluation.pages import write_page
from descant.evaluation.reconstruction import choose_stretches, measure_renderings, read_draws, read_original
from descant.evaluation.reconstruction_page import (
    Codes,
    codes_table,
    gather,
    heard,
    reconstruction_html,
    summarise,
)
from descant.sequences import open_sequence
from descant.statistics import Bootstrap


def reconstruction_page(
    settings: options.Settings,
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio")],
    tracks: Annotated[list[Path], typer.Option(help="folders of the tracks' audio before mu-law, all shards")],
    length_multiple: Annotated[int, typer.Option(min=1, help="excerpts are multiples of so many samples")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    excerpts: Annotated[Path, typer.Option(help="CSV to write: a row a rendering and excerpt")],
    usage: Annotated[Path, typer.Option(help="CSV to write: a row a stack, its codes")],
    summary: Annotated[Path, typer.Option(help="JSON to write, for the front page")],
    stacks: Annotated[list[str] | None, typer.Option(help="names of the stacks")] = None,
    drawn: Annotated[list[Path] | None, typer.Option(help=".npy of 'reconstruct', in the same order")] = None,
    codes: Annotated[list[Path] | None, typer.Option(help="folders of packed codes, in the same order")] = None,
    true: Annotated[list[Path] | None, typer.Option(help="bits with the true codes, in the same order")] = None,
    shuffled: Annotated[list[Path] | None, typer.Option(help="bits with shuffled ones, in the same order")] = None,
    seed: options.Seed = 1,
    pages: cli.Pages = None,
) -> None:
    """Write the figures of all reconstructions, and one self-contained page to hear and see them on."""
    evaluation, audio = cli.parse_settings(Evaluation, settings), open_sequence(sequence)
    names = stacks or []
    if any(len(given or []) != len(names) for given in (drawn, codes, true, shuffled)):
        raise SequenceError("--stacks, --drawn, --codes, --true and --shuffled differ in number", "give one of each")
    stretches = choose_stretches(audio, evaluation.reconstruction, length_multiple) if names else []
    originals = [read_original(tracks, stretch, audio.sample_rate) for stretch in tqdm(stretches, disable=None)]
    steps = [audio.steps(stretch.track) for stretch in stretches]
    companded = [
        np.asarray(track[stretch.start : stretch.start + stretch.length])
        for track, stretch in zip(steps, stretches, strict=True)
    ]
    draws = {name: read_draws(path, stretches) for name, path in zip(names, drawn or [], strict=True)}
    held = {}
    for name, folder, right, wrong in zip(names, codes or [], true or [], shuffled or [], strict=True):
        packed = open_sequence(folder)
        bits, bits_shuffled = pd.read_parquet(right), pd.read_parquet(wrong)
        worth = measure_worth(bits, bits_shuffled, Bootstrap(evaluation.bootstrap_draws, evaluation.confidence, seed))
        held[name] = Codes(packed.hop, count_codes(packed, evaluation.confidence), worth)
    rows = measure_renderings(stretches, originals, companded, draws, seed)
    measured = gather(rows, held, evaluation, seed)
    told = json.dumps(summarise(measured), indent=2, allow_nan=False)
    texts = {excerpts: rows.to_csv(index=False), usage: codes_table(measured).to_csv(index=False), summary: f"{told}\n"}
    for path, text in texts.items():
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    clips = heard(stretches, originals, companded, draws, audio.sample_rate)
    write_page(output, reconstruction_html(measured, clips, audio.sample_rate, evaluation.confidence), pages or [])


if __name__ == "__main__":
    cli.run(reconstruction_page)
