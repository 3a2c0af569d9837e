# What is trained, and the files that it leaves.
from descant.config import root


def ada_settings(wildcards):
    """The top ADA's slice of the configuration; a population's is handed to the rules that use it."""
    return experiment.ada(wildcards.stack).model_dump_json(exclude={"population"})


def trained_stacks():
    """Every stack that can be asked for: those in use, and any ADA on audio."""
    return tuple(dict.fromkeys((*experiment.stacks, *experiment.adas)))


def starting_weights(training):
    """The model file that a training begins from, where it does not begin from fresh weights."""
    return [] if training.start_from is None else [str(training.start_from)]


def ada_start(wildcards):
    """The one that a stack's top ADA begins from."""
    return starting_weights(experiment.ada(wildcards.stack).training)


def prior_start(wildcards):
    """The one that a prior begins from."""
    return starting_weights(experiment.priors[wildcards.prior].training)


def sequence_below(wildcards):
    """The packed sequence that a stack's top ADA is trained on."""
    return f"results/sequences/{root.below(wildcards.stack)}/data.npy"


def index_below(wildcards):
    """Its index."""
    return f"results/sequences/{root.below(wildcards.stack)}/index.parquet"


def prior_settings(wildcards):
    """The prior's slice of the configuration."""
    return as_json(experiment.priors[wildcards.prior])


def prior_model(wildcards):
    """Model file of the prior that a model samples from."""
    return "results/prior/{prior}/{sequence}/model.safetensors".format(
        **prior_of(wildcards.model)
    )


def models_of(wildcards):
    """Model files of a model: its prior's, and every ADA's."""
    adas = [
        f"results/ada/{stack}/model.safetensors"
        for stack in experiment.levels(wildcards.model)[1:]
    ]
    return [prior_model(wildcards), *adas]


def all_models():
    """Model files of every network of the run."""
    adas = [f"results/ada/{stack}/model.safetensors" for stack in experiment.stacks]
    priors = [
        f"results/prior/{'/'.join(pair)}/model.safetensors" for pair in trained_priors()
    ]
    return [*adas, *priors]


def all_metrics():
    """Metrics of every training by its name."""
    adas = {stack: f"results/ada/{stack}/metrics.csv" for stack in experiment.stacks}
    priors = {
        f"{prior} prior on {sequence}": f"results/prior/{prior}/{sequence}/metrics.csv"
        for prior, sequence in trained_priors()
    }
    return adas | priors
