# What a training reads, and what it needs.
from descant.plan.memory import training_megabytes

# of every command that trains
TRAINING_OPTIONS = (
    " --settings {params.settings:q} --seed {params.seed:q} {params.inputs:q} --runs {params.runs:q}"
    " --threads {threads:q} {params.devices:q} 2> {log:q}"
)

# an srun does not inherit them from its job, but those of a GPU
CPUS_OF_A_NODE = (
    [] if experiment.gpus_per_job else [f"--cpus-per-task={experiment.threads_per_job}"]
)
# starts a training on every node of its job, and ends it everywhere when one is lost
LAUNCHER = (
    ["srun", "--ntasks-per-node=1", "--kill-on-bad-exit=1", *CPUS_OF_A_NODE]
    if experiment.nodes_per_job > 1
    else []
)


def nodes_of_several(wildcards):
    """Nodes of a training, where there are several: Snakemake then leaves srun to the job."""
    return None if experiment.nodes_per_job == 1 else experiment.nodes_per_job


def training_of(wildcards):
    """The training that a job belongs to."""
    return plan.trainings[wildcards.training]


def learnt_data(wildcards):
    """The packed sequences that it is trained on."""
    return [data_of(name) for name in training_of(wildcards).inputs.values()]


def learnt_index(wildcards):
    """Their indexes."""
    return [index_of(name) for name in training_of(wildcards).inputs.values()]


def starting_weights(wildcards):
    """The model file that it begins from, where it does not begin from fresh weights."""
    training = training_of(wildcards)
    if training.starts_from:
        return [model_of(training.starts_from)]
    return [] if training.start is None else [str(training.start)]


def run_before(wildcards):
    """The model file of the training that does its first steps, where another does."""
    before = training_of(wildcards).before
    return [model_of(before)] if before else []


def runs_of(wildcards):
    """Where its run directory is: that of the training which ends the run, where it is a part of one."""
    training = training_of(wildcards)
    return f"{RUNS}/training/{training.run or training.name}"


def pause_option(wildcards):
    """The step that it pauses at, where it does."""
    until = training_of(wildcards).until
    return [f"--until={until}"] if until else []


def input_options(wildcards, input):
    """Its sequences as the option of its commands."""
    streams = training_of(wildcards).inputs
    return [
        f"--input={name}={os.path.dirname(data)}"
        for name, data in zip(streams, input.data)
    ]


def network_settings(wildcards):
    """Its slice of the configuration; a population's is handed to the rules that use it."""
    training = training_of(wildcards)
    settings = training.settings.model_dump(mode="json", exclude={"population"})
    if start := starting_weights(wildcards):
        settings["training"]["start_from"] = start[0]
    return as_json(settings)


def training_memory(wildcards):
    """Megabytes of memory of it."""
    return training_megabytes(training_of(wildcards), experiment.gpus_per_job)


def encoder_below(wildcards):
    """The packed sequence that a sequence is made from."""
    return data_of(plan.sequences[wildcards.sequence].encoded_from)


def encoder_below_index(wildcards):
    """Its index."""
    return index_of(plan.sequences[wildcards.sequence].encoded_from)


def encoder(wildcards):
    """The model file of the network that encodes it."""
    return model_of(plan.sequences[wildcards.sequence].encoded_by)


def performer(wildcards):
    """The model file of the network that plays it from scores."""
    return model_of(plan.sequences[wildcards.sequence].performed_by)


def perturbation_settings(wildcards):
    """The noise that makes a sequence."""
    return as_json(plan.sequences[wildcards.sequence].perturbed_by)


def predictor_settings(wildcards):
    """The linear predictor that makes a sequence."""
    return as_json(plan.sequences[wildcards.sequence].predicted_by)


def drawn_models():
    """The model files of every network that the rows that are drawn need."""
    needed = {name for row in drawn_rows for name in plan.routes[row].trainings}
    return [model_of(each.name) for each in plan.trained if each.name in needed]


def other_models():
    """The model files of the other rows: nothing else is made of these."""
    return [
        model_of(each.name)
        for each in plan.trained
        if model_of(each.name) not in drawn_models()
    ]


def all_metrics():
    """The figures of their trainings, by what people call these."""
    gone_on_with = {training.before for training in plan.trained}
    return {
        training.title: METRICS.format(training=training.name)
        for training in plan.trained
        if training.name not in gone_on_with
    }


def estimated_index(wildcards):
    """The index of the audio, where a training learns any: trainings of scores alone render nothing."""
    units = {plan.learnt(training).unit for training in plan.trained}
    return [index_of("audio")] if "second" in units else []


def estimated_sequence(wildcards, input):
    """The option for the folder of the audio."""
    return [f"--sequence={os.path.dirname(path)}" for path in input.index]
