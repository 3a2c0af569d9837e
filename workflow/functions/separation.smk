# What separates the tracks, and what it needs.
import functools
import hashlib
import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.corpus.shards import folder_digests
from descant.errors import DescantError
from descant.separation.choose import backend
from descant.separation.spleeter_environment import is_supported
from descant.separation.spleeter_weights import hash_weights

MADE_WEIGHTS = "resources/spleeter/weights/2stems"
# of the checkout, which may be moved: what they hold is a parameter, where they lie is none
SPLEETER_LOCK = f"{workflow.basedir}/envs/spleeter/requirements.txt"
SPLEETER_WEIGHTS = f"{workflow.basedir}/envs/spleeter/weights.txt"


def file_digest(path):
    """Hexadecimal sha256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def has_spleeter():
    """Whether tracks are separated by spleeter's network."""
    return experiment.separation.method == "spleeter"


def weights_folder(wildcards):
    """Folder of spleeter's models that a rule makes; none where a user has one, or where no network separates."""
    if not has_spleeter():
        return []
    # raises an error that says what is missing, with a cure
    files_of_one_s_own()
    return [] if experiment.separation.weights else [MADE_WEIGHTS]


def interpreter_file(wildcards):
    """The file that names the Python of spleeter's environment; none where TensorFlow is not used."""
    section = experiment.separation
    # where it is asked for, the rule that makes the environment reports whether it can
    available = is_supported() or section.backend == "tensorflow"
    if has_spleeter() and backend(section, available) == "tensorflow":
        return ["resources/spleeter/environment/interpreter.txt"]
    return []


def separation_settings():
    """The keys that the chosen method uses, without where things lie: a digest says what lies there."""
    keys = {
        "none": (),
        "spleeter": ("model", "stem", "backend"),
        "stems": ("stem",),
    }
    return as_json(experiment.separation, "method", *keys[experiment.separation.method])


def separator_options():
    """The options that the chosen separator needs, and no others."""
    weights = experiment.separation.weights or os.path.dirname(MADE_WEIGHTS)
    options = [f"--weights={weights}"] if has_spleeter() else []
    return [*options, *(f"--interpreter={path}" for path in interpreter_file(None))]


@functools.cache
def files_of_one_s_own():
    """For each shard, changes when a user's own stems of its recordings do, or the weights; empty where there are none."""
    section = experiment.separation
    try:
        if section.method == "stems":
            return folder_digests(
                section.stems_folder,
                len(SHARDS),
                "separation.stems_folder",
                memory=Path(".snakemake/descant/stems.json"),
                is_stems=True,
            )
        if has_spleeter() and section.weights:
            return [json.dumps(hash_weights(Path(section.weights)))] * len(SHARDS)
    except DescantError as error:
        raise WorkflowError(str(error)) from None
    return [""] * len(SHARDS)


def separation_digest(wildcards):
    """Changes when they do, so that the separation of the shard runs again."""
    return files_of_one_s_own()[int(wildcards.shard)]
