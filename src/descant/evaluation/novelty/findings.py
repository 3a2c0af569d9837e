"""What all searches of a run found: the findings that its page reads, every nearest place, and the summary."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.audio.rendered import open_rendered
from descant.config.evaluation import Evaluation
from descant.corpus.outputs import whole_file
from descant.evaluation.novelty.results import AudioCalibration, AudioSearch, CodesSearch
from descant.evaluation.novelty.verdict import ModelFindings, find_model, missing_words, share_interval, summarise
from descant.results import Computation, Given, ModelRow, Rows, Summary, read_json, write_json
from descant.statistics import Bootstrap, Interval

MATCH_COLUMNS = (
    "model", "sequence", "start_seconds", "seconds", "check", "score", "nearness", "is_match",
    "track", "name", "track_start_seconds", "transposition_semitones",
)  # fmt: skip


class NoveltyRow(ModelRow):
    """What a model drew, and what the searches of it found; a plain WaveNet has no codes."""

    drawn: Path
    found: Path
    codes: Path | None


class NoveltyGiven(Given):
    """What the findings are made from.

    Attributes:
        evaluation: how intervals are drawn.
        seed: root seed.
        calibration: of the searches of audio.
        rows: the models.
    """

    evaluation: Evaluation
    seed: int
    calibration: Path
    rows: Rows[NoveltyRow]


class NoveltySummary(Summary):
    """What the front page shows."""

    verdict: str


@dataclass(frozen=True)
class Findings:
    """What was found, in ``findings.json``.

    Attributes:
        confidence: level of the intervals.
        floor: share of held-out music that matches; None where it could not be measured.
        models: of every model.
        missing: why something was not measured.
    """

    confidence: float
    floor: Interval | None
    models: Sequence[ModelFindings]
    missing: Sequence[str]


def measure(given: NoveltyGiven, folder: Path) -> None:
    """Write ``findings.json``, ``matches.csv`` and ``summary.json``.

    Raises:
        ResultError: when a search's results cannot be read.
    """
    known, section = read_json(AudioCalibration, given.calibration), given.evaluation
    bootstrap = Bootstrap(section.bootstrap_draws, section.confidence, given.seed)
    models = []
    for row in given.rows:
        rendered, audio = open_rendered(row.drawn), read_json(AudioSearch, row.found)
        codes = read_json(CodesSearch, row.codes) if row.codes else None
        seconds = sum(sample.drawn for sample in rendered.samples) / rendered.sample_rate
        sequences = len(rendered.samples)
        models.append(find_model(row.model, row.title, known, audio, codes, sequences, seconds, bootstrap))
    floor = share_interval(known.floor, bootstrap)
    write_json(folder / "findings.json", Findings(section.confidence, floor, models, missing_words(known, models)))
    write_matches(models, folder / "matches.csv")
    write_json(folder / "summary.json", summarise(known, models, floor))


def write_matches(models: Sequence[ModelFindings], path: Path) -> None:
    """Write the nearest place of every window and run as CSV."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(MATCH_COLUMNS)
        for model in models:
            for hit in model.hits:
                check = f"{hit.check}, exact" if hit.is_exact else hit.check
                where = (model.model, hit.sequence, round(hit.start, 3), round(hit.seconds, 3))
                figures = (check, round(hit.score, 4), round(hit.nearness, 4), int(hit.is_match))
                writer.writerow((*where, *figures, hit.track, hit.name, round(hit.track_start, 3), hit.transposition))


COMPUTATION = Computation(NoveltyGiven, measure)
