"""Write the page on which a person plays along with a network."""

from pathlib import Path
from typing import Annotated

import typer

from descant.band.page import write_band_page
from descant.band.player import read_band
from descant.commands import cli, options
from descant.commands.set_up import set_up_torch
from descant.config.band import Band
from descant.errors import BandError


def band_page(
    settings: options.Settings,
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    model: Annotated[list[Path] | None, typer.Option(help="the model file, where the settings name none")] = None,
) -> None:
    """Write one self-contained page: a person plays a voice, the network of a model file the others."""
    section = cli.parse_settings(Band, settings)
    path = section.model or next(iter(model or ()), None)
    if path is None:
        raise BandError("no network is named", "give --model, a model file of the kind autoregressive_parts")
    set_up_torch(1, 0)
    write_band_page(output, read_band(path), section)
    print(f"open {output} in a browser")


if __name__ == "__main__":
    cli.run(band_page)
