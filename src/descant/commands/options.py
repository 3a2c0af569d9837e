"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from descant.config.corpus import Downmix
from descant.errors import ConfigError
from descant.sequences import PackedSequence, open_checked

Settings = Annotated[str, typer.Option(help="the resolved section of the configuration, as JSON text")]
SequenceFolder = Annotated[Path, typer.Option(help="folder of a packed sequence: data.npy and index.parquet")]
Pieces = Annotated[Path, typer.Option(help="CSV table of the pieces that 'parts' wrote")]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input",
        help="NAME=FOLDER of each packed sequence that it reads, by the name that this kind of network gives it, "
        "'steps' for what it learns; the folder's own name is part of the seed; repeat it",
    ),
]
ModelPath = Annotated[Path, typer.Option(help="a model.safetensors of this pipeline")]
Runs = Annotated[Path, typer.Option(help="folder where run directories keep what a killed run goes on from")]
Seed = Annotated[int, typer.Option(help="root seed")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; the same number gives the same bytes")]
SaveEvery = Annotated[float, typer.Option(min=0, help="wall-clock seconds between saved states of a draw")]
Picked = Annotated[
    list[int] | None,
    typer.Option(min=0, help="number of each sequence, where not all from 0 on are wanted; repeat it"),
]
Downmixed = Annotated[Downmix, typer.Option(help="how channels become one; auto: their mean, unless they cancel")]
GPUs = Annotated[int, typer.Option(min=0, help="GPUs to use; 0 runs on the CPU")]
Nodes = Annotated[int, typer.Option(min=1, help="machines that share it; above 1, Slurm's srun starts it on each")]


def open_streams(inputs: list[str]) -> dict[str, PackedSequence]:
    """Open the sequences that ``--input`` names.

    Raises:
        ConfigError: when one is not of the form NAME=FOLDER, or a name is given twice.
        SequenceError: when one cannot be opened, or is not what was written.
    """
    pairs = [given.partition("=") for given in inputs]
    for name, equals, folder in pairs:
        if not (name and equals and folder):
            raise ConfigError(f"--input {name}{equals}{folder} is not of the form NAME=FOLDER", "give both")
    names = [name for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise ConfigError(f"--input names one of {', '.join(names)} twice", "give each name once")
    return {name: open_checked(Path(folder)) for name, _, folder in pairs}
