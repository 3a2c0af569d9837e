"""Build the page on which a model is listened to."""

from pathlib import Path
from typing import Annotated

import typer

from descant.audio.rendered import open_rendered
from descant.commands import cli
from descant.evaluation.pages import write_page
from descant.evaluation.players import (
    PlayersPage,
    StackLine,
    drawn_in_words,
    players_html,
    real_clips,
    sample_clips,
)
from descant.evaluation.provenance import read_stack, scale_in_words, stack_in_words, training_in_words
from descant.recordings import open_recordings
from descant.sequences import open_sequence


def players(
    title: Annotated[str, typer.Option(help="of the model")],
    audio: Annotated[Path, typer.Option(help="folder of audio that the model drew")],
    model: Annotated[list[Path], typer.Option(help="model.safetensors of the prior and of every ADA; repeat it")],
    sequence: Annotated[Path, typer.Option(help="folder of the packed audio: training hours")],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform: real music to hear")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    note: Annotated[str, typer.Option(help="what a listener must know of this model")] = "",
    temperature: Annotated[float | None, typer.Option(help="that the samples were drawn at")] = None,
    top_p: Annotated[float | None, typer.Option(help="nucleus that the samples were drawn from")] = None,
    show: Annotated[int, typer.Option(min=1, help="samples on the page, at most")] = 8,
    excerpts: Annotated[int, typer.Option(min=0, help="excerpts of real music, at most")] = 3,
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with all there is to hear of a model, beside held-out real music."""
    packed = open_sequence(sequence)
    stack, rendered = read_stack(model, packed), open_rendered(audio).samples
    does = stack_in_words(stack, packed.sample_rate)
    trained = [training_in_words(network, packed) for network in stack.networks]
    page = PlayersPage(
        title=title,
        note=note,
        scale=scale_in_words(stack.networks, packed),
        stack=[StackLine(*line) for line in zip(does, trained, strict=True)],
        drawn=drawn_in_words(min(show, len(rendered)), len(rendered), temperature, top_p),
        samples=sample_clips(audio, show),
        real=real_clips(open_recordings(recordings), excerpts, max(sample.facts.seconds for sample in rendered)),
        classes=packed.classes,
        sample_rate=packed.sample_rate,
    )
    write_page(output, players_html(page), pages or [])


if __name__ == "__main__":
    cli.run(players)
