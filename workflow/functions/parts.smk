# Where music in parts comes from: a digest that decides when it is read again.
import importlib.metadata
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.config.models import PartsRow
from descant.corpus.shards import folder_digests
from descant.errors import DescantError

PIECES = "results/parts/pieces.csv"
parts_rows = {
    name: row for name, row in experiment.models.items() if isinstance(row, PartsRow)
}


def parts_digest(wildcards):
    """Changes when a score does: with music21, with a person's files, or with the benchmark's file."""
    section = experiment.parts
    if section.source in ("chorales", "quartets"):
        return importlib.metadata.version("music21")
    if section.source == "jsb16":
        return named_digest("parts.jsb16", Path(section.jsb16), "Jsb16thSeparated.json")
    memory = Path(".snakemake/descant/parts.json")
    try:
        (digest,) = folder_digests(
            section.folder, key="parts.folder", source="midi", memory=memory
        )
        return digest
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def parts_in_words():
    """Where the music in parts comes from, for people; a folder is not named: its path is nobody else's business."""
    return {
        "chorales": "Bach's chorales, of music21's corpus.",
        "quartets": "String quartets, of music21's corpus.",
        "folder": f"Scores in {experiment.parts.voices} parts from a folder.",
        "jsb16": "JSB Chorales.",
    }[experiment.parts.source]


def placeless_parts():
    """The section without where things lie: the digest says what lies there."""
    return as_json(experiment.parts.model_copy(update={"folder": None, "jsb16": None}))


def parts_model(wildcards):
    """The model file of a row."""
    (training,) = plan.routes[wildcards.row].trainings
    return model_of(training)


def measured_parts(wildcards):
    """What was measured of every row."""
    if not parts_rows:
        raise WorkflowError(
            "no row is of the kind parts: add --configfile config/parts-experiments.yaml"
        )
    return collect(rules.parts_row.output.figures, row=parts_rows)


def drawn_parts(wildcards):
    """What every row of polyphonic parts draws."""
    if experiment.parts.form == "monophonic" or not parts_rows:
        raise WorkflowError(
            "no row learns polyphonic parts: add --configfile config/parts-polyphonic.yaml; what others write is asked "
            "for with compose"
        )
    return collect(rules.parts_drawn_row.output.drawn, row=parts_rows)
