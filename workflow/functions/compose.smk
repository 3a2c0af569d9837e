# What `snakemake compose` and `snakemake compositions` write, and with which network.
from descant.config.compose import Compose
from descant.config.parts import PARTS

# of the three that follow: what was asked for on the command line, and what the configuration names
ASKED = "compose"
COMPOSED = "results/compositions/{composition}"
compositions = {
    **experiment.compositions,
    **({ASKED: experiment.compose} if experiment.compose else {}),
}


def composing_model(wildcards):
    """The model file that composes: of a row, or where there is none, the network that ships."""
    row = experiment.composing_row(compositions[wildcards.composition])
    if row is None:
        return shipped("parts/model")
    return model_of(plan.routes[row].trainings[0])


def composing_ranges(wildcards):
    """The sequence whose voices' ranges are kept: the one that the network learnt, where the run has it."""
    row = experiment.composing_row(compositions[wildcards.composition])
    return [] if row is None else [data_of(PARTS), index_of(PARTS)]


def composition_score(name):
    """The score of a composition; None where it has none."""
    asked = compositions[name]
    key = f"{name}.score" if name == ASKED else f"compositions.{name}.score"
    return None if asked.score is None else found_score(key, asked.score)


def composition_settings(wildcards, input):
    """The task as the command takes it; where its score lies is not tracked, what it holds is."""
    score = composition_score(wildcards.composition)
    given = plain(compositions[wildcards.composition], *Compose.model_fields)
    return as_json({**given, "score": score and str(score)})


def composition_asked(wildcards):
    """The task, where the score lies left out."""
    asked = compositions[wildcards.composition]
    return as_json(asked, *set(Compose.model_fields) - {"score"})


def composition_digest(wildcards):
    """Changes when the score does."""
    score = composition_score(wildcards.composition)
    return score and file_digest(score)


def composition_title(wildcards):
    """The option for what it is called; empty text alone would be lost in the shell."""
    return f"--title={getattr(compositions[wildcards.composition], 'title', '')}"


def asked_page(wildcards):
    """The page of what was asked for."""
    if experiment.compose is None:
        raise WorkflowError(
            "nothing is named to compose: add --config compose='{task: generate, measures: 12}', or"
            " compose='{task: harmonise, score: my.musicxml, voices: [soprano]}'"
        )
    return f"results/report/{ASKED}.html"
