"""Write the listening test as files for any web host."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.listening.files import read_design, read_manifest
from descant.listening.static_site import write_site
from descant.listening.study import Study


def listening_static(
    output: Annotated[Path, typer.Option(help="folder to write; an older one is replaced")],
    manifest: Annotated[Path, typer.Option(help="manifest.json of the stimuli")] = Path(
        "results/listening/manifest.json"
    ),
    design: Annotated[Path, typer.Option(help="design.json: who hears what")] = Path("results/listening/design.json"),
    stimuli: Annotated[Path, typer.Option(help="folder of the stimuli")] = Path("results/listening/stimuli"),
    must_hear: Annotated[bool, typer.Option(help="a clip can be rated only after it was heard to its end")] = True,
) -> None:
    """Write the listening test as a folder that needs no server; each rater sends a file of ratings back."""
    write_site(Study.open(read_manifest(manifest), read_design(design), stimuli, must_hear), output)


if __name__ == "__main__":
    cli.run(listening_static)
