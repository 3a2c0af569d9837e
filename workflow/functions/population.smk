# The generations and members of a population, and their files.
import json
import os


def population_trainings():
    """Trainings of a population of networks."""
    return [name for name, training in plan.trainings.items() if training.population]


def plain_trainings():
    """Trainings of one network."""
    return [
        name for name, training in plan.trainings.items() if not training.population
    ]


def population_of(wildcards):
    """The population that a job belongs to."""
    return training_of(wildcards).population


def population_settings(wildcards):
    """What its decisions follow from, besides scores and the settings as written."""
    later = ("exploit", "factors") if int(wildcards.generation) else ()
    return as_json(population_of(wildcards), "members", "tuned", *later)


def tuned_as_written(wildcards):
    """The tuned settings as written, by dotted name."""
    real = training_of(wildcards).settings.real_settings()
    return json.dumps(
        {name: real[name] for name in sorted(population_of(wildcards).tuned)}
    )


def of_members(training, generation, name):
    """A file of every member of a generation; none of one before the first."""
    folder = GENERATION.format(training=training.name, generation=generation)
    members = range(training.population.members if generation >= 0 else 0)
    return [f"{folder}/member{member}/{name}" for member in members]


def of_all_members(training, name):
    """A file of every member of every generation."""
    generations = range(training.population.generations)
    return [
        path
        for generation in generations
        for path in of_members(training, generation, name)
    ]


def decisions_of(training):
    """The decisions of every generation of a population."""
    generations = range(training.population.generations)
    path = f"{GENERATION}/decisions.csv"
    return [path.format(training=training.name, generation=n) for n in generations]


def decisions_before(wildcards):
    """The decisions that a generation's follow; none in the first."""
    generation = int(wildcards.generation)
    return decisions_of(training_of(wildcards))[max(0, generation - 1) : generation]


def scores_before(wildcards):
    """The scores that a generation's decisions follow."""
    return of_members(
        training_of(wildcards), int(wildcards.generation) - 1, "score.json"
    )


def states_before(wildcards):
    """The states that a generation can go on from."""
    return of_members(
        training_of(wildcards), int(wildcards.generation) - 1, "state.safetensors"
    )


def previous_option(wildcards):
    """The option for their folder; none in the first generation."""
    return [
        f"--previous={os.path.dirname(path)}" for path in decisions_before(wildcards)
    ]


def last_step(wildcards):
    """The step of the whole training that a generation ends after."""
    steps = training_of(wildcards).settings.training.steps
    generations = population_of(wildcards).generations
    return steps // generations * (int(wildcards.generation) + 1)


def all_decisions(wildcards):
    """The decisions of every generation."""
    return decisions_of(training_of(wildcards))


def all_member_metrics(wildcards):
    """The figures of every member of every generation."""
    return of_all_members(training_of(wildcards), "metrics.csv")


def last_scores(wildcards):
    """The scores that the choice follows."""
    last = population_of(wildcards).generations - 1
    return of_members(training_of(wildcards), last, "score.json")


def last_states(wildcards):
    """The states that it chooses from."""
    last = population_of(wildcards).generations - 1
    return of_members(training_of(wildcards), last, "state.safetensors")


def populations():
    """Every population that the rows need, by the folder of its results."""
    return {
        POPULATION.format(training=training.name): training
        for training in plan.trained
        if training.population
    }


def population_files():
    """What the page of populations reads: the choice, every decision, and each member's score and metrics."""
    files = []
    for folder, training in populations().items():
        files += [f"{folder}/chosen.json", *decisions_of(training)]
        files += of_all_members(training, "score.json")
        files += of_all_members(training, "metrics.csv")
    return files
