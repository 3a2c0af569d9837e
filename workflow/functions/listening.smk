# The listening test: what is heard, and who has rated.
import functools
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.config.listening import DEFINES_TEST
from descant.errors import DescantError
from descant.listening.digest import ratings_digest


def listening_audio():
    """Folders of what people listen to: rows of the table or of parts, or what vocoders make of test tracks."""
    if experiment.heard_parts:
        return {row: PARTS_AUDIO.format(row=row) for row in experiment.heard_parts}
    if not drawn_rows and not plan.renderings:
        raise WorkflowError(
            "there is nothing to listen to: no row draws audio or music in parts, and none has a vocoder"
        )
    if not drawn_rows:
        return {name: VOCODED.format(rendering=name) for name in plan.renderings}
    rows = experiment.listening.models or tuple(drawn_rows)
    return {row: RENDERED.format(model=row) for row in rows}


def listening_titles():
    """What people call them."""
    if experiment.heard_parts:
        return {row: experiment.models[row].title for row in experiment.heard_parts}
    if drawn_rows:
        return titles()
    return {name: rendering.title for name, rendering in plan.renderings.items()}


def real_music():
    """Folder of the recordings that they hear beside them."""
    recordings = os.path.dirname(data_of("waveform"))
    return PARTS_WAVEFORM if experiment.heard_parts else recordings


def test_settings():
    """The keys that decide what is heard and by whom."""
    return as_json(experiment.listening, *DEFINES_TEST)


def ratings_file():
    """Where people's ratings are kept: in no folder that a rule or `make clean` deletes."""
    return f"{experiment.listening.folder}/ratings.sqlite"


@functools.cache
def people_rated():
    """Changes when a rating does; empty where nobody has rated."""
    try:
        return ratings_digest(Path(ratings_file()))
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def people_digest(wildcards):
    """Changes when a rating does, so that the ratings are exported again."""
    return people_rated()


def people_scores(wildcards):
    """The scores that people gave rows of the table; none where nobody has, and then no job of the test either."""
    is_rated = people_rated() and not experiment.heard_parts
    return ["results/listening/scores.csv"] if is_rated else []


def scores_option(wildcards):
    """The option for them, or nothing."""
    return [f"--scores={path}" for path in people_scores(wildcards)]
