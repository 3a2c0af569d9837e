"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[str, typer.Option(help="the resolved section of the configuration, as JSON text")]
SequenceFolder = Annotated[Path, typer.Option(help="folder of a packed sequence: data.npy and index.parquet")]
SequenceName = Annotated[str, typer.Option(help="its name: 'audio' or a stack such as vqvae8.amae8")]
ModelPath = Annotated[Path, typer.Option(help="a model.safetensors of this pipeline")]
Runs = Annotated[Path, typer.Option(help="folder where run directories keep what a killed run goes on from")]
Seed = Annotated[int, typer.Option(help="root seed")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; the same number gives the same bytes")]
SaveEvery = Annotated[float, typer.Option(min=0, help="wall-clock seconds between saved states of a draw")]
GPUs = Annotated[int, typer.Option(min=0, help="GPUs to use; 0 runs on the CPU")]
