"""Build the page on copies, and its summary."""

import json
from pathlib import Path
from typing import Annotated

import typer

from descant.audio.rendered import open_rendered
from descant.commands import cli
from descant.config.evaluation import Evaluation
from descant.evaluation.novelty.page import (
    NoveltyPage,
    make_pair,
    model_line,
    novelty_html,
    search_lines,
    write_matches,
)
from descant.evaluation.novelty.results import (
    NoveltyError,
    read_audio_search,
    read_calibration,
    read_codes_search,
    write_json,
)
from descant.evaluation.novelty.verdict import (
    find_model,
    missing_words,
    run_verdict,
    share_interval,
    share_words,
    summarise,
    worst_hits,
)
from descant.evaluation.pages import write_page
from descant.recordings import open_recordings
from descant.statistics import Bootstrap


def novelty_page(
    settings: Annotated[str, typer.Option(help="the section evaluation, as JSON text")],
    calibration: Annotated[Path, typer.Option(help="JSON that novelty_calibration wrote")],
    row: Annotated[
        list[str], typer.Option(help="JSON of a model: model, title, drawn, audio, and codes or null; repeat it")
    ],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform, to listen to")],
    output: Annotated[Path, typer.Option(help="HTML file to write")],
    summary: Annotated[Path, typer.Option(help="JSON file to write: the verdict")],
    matches: Annotated[Path, typer.Option(help="CSV table to write: the nearest place of every window and run")],
    seed: Annotated[int, typer.Option(help="root seed")] = 1,
    pages: cli.Pages = None,
) -> None:
    """Write one self-contained page with what was found, and the nearest matches to listen to side by side."""
    section, packed = cli.parse_settings(Evaluation, settings), open_recordings(recordings)
    known = read_calibration(calibration)
    bootstrap = Bootstrap(section.bootstrap_draws, section.confidence, seed)
    drawn, models, lines, codes = {}, [], [], {}
    for text in row:
        try:
            given = json.loads(text)
            model, title, audio = given["model"], given["title"], read_audio_search(Path(given["audio"]))
            rendered = open_rendered(Path(given["drawn"]))
            found = read_codes_search(Path(given["codes"])) if given["codes"] else None
        except (ValueError, KeyError, TypeError) as error:
            raise NoveltyError(f"--row {text!r} is no row of the page", "see --help for its keys") from error
        seconds = sum(sample.drawn for sample in rendered.samples) / rendered.sample_rate
        models.append(find_model(model, title, known, audio, found, seconds, bootstrap))
        lines.append(model_line(models[-1], found, len(rendered.samples)))
        drawn[model] = rendered
        if found is not None:
            codes[title] = found
    floor, worst = share_interval(known.floor, bootstrap), worst_hits(models, section.novelty.shown)
    page = NoveltyPage(
        verdict=run_verdict(known, models, floor),
        missing=missing_words(known, models),
        floor=f"{share_words(floor)} of it match" if floor else "it could not be measured",
        models=lines,
        searches=search_lines(known, codes),
        has_matches=any(one.hit.is_match for one in worst),
        pairs=[make_pair(number, one, drawn[one.model], packed) for number, one in enumerate(worst, start=1)],
        confidence=section.confidence,
    )
    write_json(summarise(known, models, floor), summary)
    write_matches(models, matches)
    write_page(output, novelty_html(page), pages or [])


if __name__ == "__main__":
    cli.run(novelty_page)
