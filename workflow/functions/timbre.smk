# What is measured of Mel2Mels' spaces of timbres.
from descant.config.models import Mel2MelRow

TIMBRES = "results/evaluation/timbre/{row}"
mel2mel_rows = {
    name: row for name, row in experiment.models.items() if isinstance(row, Mel2MelRow)
}


def timbre_models(wildcards):
    """The model files of a row: of its Mel2Mel, and of its vocoder where it has one."""
    return [model_of(name) for name in plan.routes[wildcards.row].trainings]


def timbre_vocoder(wildcards, input):
    """The option for its vocoder, the tuned one where there is one, or nothing."""
    return [f"--vocoder={path}" for path in input.models[1:][-1:]]
