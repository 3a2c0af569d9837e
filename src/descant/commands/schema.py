"""``schema``: write the JSON schema of the configuration."""

import json
from pathlib import Path
from typing import Annotated

import typer

from descant.commands.cli import run
from descant.config.schema import json_schema
from descant.corpus.outputs import whole_file


def main(output: Annotated[Path, typer.Option(help="JSON file to write")]) -> None:
    """Write the JSON schema that editors complete and check the configuration with."""
    with whole_file(output) as temporary:
        temporary.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
