"""Write what a network of polyphonic parts draws as MIDI files: test pieces that it goes on with, and voices filled."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.evaluation import PartsTable
from descant.corpus.outputs import whole_folder
from descant.errors import ModelFileError
from descant.evaluation.parts_material import read_pieces
from descant.evaluation.polyphonic_row import filled_from, goes_on_from
from descant.sampling.composers import read_parts_model
from descant.scores.part_writing import midi_of
from descant.scores.polyphony import part_names
from descant.sequences import open_checked
from descant.systems.polyphonic_rmvae import PolyphonicRMVAESystem


def parts_drawn(
    settings: options.Settings,
    model: options.ModelPath,
    sequence: options.SequenceFolder,
    pieces: options.Pieces,
    output: Annotated[Path, typer.Option(help="folder of MIDI files to write")],
    threads: options.Threads = 1,
    gpus: options.GPUs = 0,
) -> None:
    """Write each of the first test pieces, what it goes on with after its beginning, and each of its voices anew.

    Raises:
        ModelFileError: when the model is none of polyphonic parts.
    """
    device = set_up_torch(threads, gpus)
    section, packed = cli.parse_settings(PartsTable, settings), open_checked(sequence)
    _, system = read_parts_model(model, packed)
    if not isinstance(system, PolyphonicRMVAESystem):
        raise ModelFileError(f"{model} holds no network of polyphonic parts", "use compose for one of monophonic parts")
    system.to(device)
    test = list(read_pieces(packed, pieces).test.values())[: section.pieces]
    appended = goes_on_from(system, test, section.measures)
    with whole_folder(output) as folder:
        for number, (given, drawn) in enumerate(zip(test, appended, strict=True), 1):
            written = {"given": given, "appended": drawn}
            for voice, name in enumerate(part_names(system.voices)):
                written[f"{name} filled".replace(" ", "-")] = filled_from(system, given, voice)
            for name, roll in written.items():
                (folder / f"{number}-{name}.mid").write_bytes(midi_of(roll))
    print(f"{len(test)} pieces in {output}")


if __name__ == "__main__":
    cli.run(parts_drawn)
