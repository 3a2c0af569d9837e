"""Draw pieces in parts from a network and play them, for people to listen to."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.audio.rendered import write_rendered
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.corpus import RENDER_RATE
from descant.config.evaluation import PartsTable
from descant.corpus.outputs import whole_folder
from descant.corpus.parts_audio import measured_audio_of
from descant.evaluation.parts_drawings import to_be_heard
from descant.evaluation.parts_material import read_pieces
from descant.evaluation.polyphonic_row import goes_on_from
from descant.sampling.composers import read_parts_model
from descant.seeds import derive_seed
from descant.sequences import open_checked
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem


def parts_audio(
    settings: options.Settings,
    seed: options.Seed,
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    pieces: options.Pieces,
    output: Annotated[Path, typer.Option(help="folder of audio to write, a FLAC file a piece, and their table")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write what it draws as audio, all pieces equally long."""
    device = set_up_torch(threads, gpus)
    section, packed = cli.parse_settings(PartsTable, settings), open_checked(sequence)
    _, system = read_parts_model(model, packed)
    read = read_pieces(packed, pieces)
    # the same draws in every row
    seed = derive_seed(seed, "parts audio")
    test = list(read.test.values())
    system.to(device)
    if isinstance(system, PolyphonicRMVAESystem):
        drawn = goes_on_from(system, test[: section.pieces], section.measures)
    else:
        drawn = to_be_heard(system, read.train, test, section, seed)
    played = (measured_audio_of(piece) for piece in tqdm(drawn, disable=None, unit="piece"))
    with whole_folder(output) as folder:
        write_rendered(folder, played, len(drawn), RENDER_RATE)


if __name__ == "__main__":
    cli.run(parts_audio)
