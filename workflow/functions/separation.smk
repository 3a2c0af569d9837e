# What separates the tracks, and what it needs.
import functools
import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.corpus.scan import folder_digest
from descant.errors import DescantError
from descant.separation.choose import backend
from descant.separation.spleeter_environment import is_supported
from descant.separation.spleeter_weights import hash_weights


def has_spleeter():
    """Whether tracks are separated by spleeter's network."""
    return experiment.separation.method == "spleeter"


def weights_folder(wildcards):
    """Folder of spleeter's models: a user's own, or the one that a rule makes; none where no network separates."""
    if not has_spleeter():
        return []
    if not experiment.separation.weights:
        return ["resources/spleeter/weights/2stems"]
    # tells what is missing, with a cure, before Snakemake does
    files_of_one_s_own()
    return [f"{experiment.separation.weights}/2stems"]


def interpreter_file(wildcards):
    """The file that names the Python of spleeter's environment; none where TensorFlow is not used."""
    section = experiment.separation
    # where it is asked for, the rule that makes the environment tells whether it can
    available = is_supported() or section.backend == "tensorflow"
    if has_spleeter() and backend(section, available) == "tensorflow":
        return ["resources/spleeter/environment/interpreter.txt"]
    return []


def separation_settings():
    """The keys that the chosen method uses."""
    keys = {
        "none": (),
        "spleeter": ("model", "stem", "backend", "weights"),
        "stems": ("stem", "stems_folder"),
    }
    return as_json(experiment.separation, "method", *keys[experiment.separation.method])


def separator_options(wildcards, input):
    """The options that the chosen separator needs, and no others."""
    weights = [f"--weights={os.path.dirname(path)}" for path in input.weights]
    return [*weights, *(f"--interpreter={path}" for path in input.interpreter)]


@functools.cache
def files_of_one_s_own():
    """Changes when a user's own stems or weights do; empty where there are none."""
    section = experiment.separation
    try:
        if section.method == "stems":
            return folder_digest(section.stems_folder, "separation.stems_folder")
        if has_spleeter() and section.weights:
            return json.dumps(hash_weights(Path(section.weights)))
    except DescantError as error:
        raise WorkflowError(str(error)) from None
    return ""


def separation_digest(wildcards):
    """Changes when they do, so that the separation runs again."""
    return files_of_one_s_own()
