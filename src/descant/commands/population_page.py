"""Build the page of population-based training."""

from pathlib import Path
from typing import Annotated

import typer

from descant.commands import cli
from descant.errors import PopulationError
from descant.evaluation.pages import write_page
from descant.evaluation.population import Population, read_population
from descant.evaluation.population_page import population_html


def population_page(
    population: Annotated[list[str], typer.Option(help="STACK=folder of its population; repeat it")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    title: Annotated[str, typer.Option(help="of the page")] = "Population-based training",
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with every population's lineage, hyper-parameters, scores and decisions."""
    read: list[Population] = []
    for given in population:
        name, separator, folder = given.partition("=")
        if not separator or not name:
            problem = f"--population {given!r} has no name"
            raise PopulationError(problem, "write --population vqvae8.vqvae8_pbt=results/population/vqvae8.vqvae8_pbt")
        read.append(read_population(name, Path(folder)))
    write_page(output, population_html(title, read), pages or [])


if __name__ == "__main__":
    cli.run(population_page)
