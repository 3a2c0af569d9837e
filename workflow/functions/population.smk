# The generations and members of a population, and their files.
import json
import os


def population_stacks():
    """Stacks whose top ADA is trained by a population."""
    return [stack for stack in trained_stacks() if experiment.ada(stack).population]


def plain_stacks():
    """Stacks whose top ADA is trained once."""
    return [stack for stack in trained_stacks() if not experiment.ada(stack).population]


def population_of(wildcards):
    """The population of a stack's top ADA."""
    return experiment.ada(wildcards.stack).population


def population_settings(wildcards):
    """What its decisions follow from, besides scores and the settings as written."""
    later = ("exploit", "factors") if int(wildcards.generation) else ()
    return as_json(population_of(wildcards), "members", "tuned", *later)


def tuned_as_written(wildcards):
    """The tuned settings as written, by dotted name."""
    real = experiment.ada(wildcards.stack).real_settings()
    return json.dumps(
        {name: real[name] for name in sorted(population_of(wildcards).tuned)}
    )


def of_members(stack, generation, name):
    """A file of every member of a generation; none of one before the first."""
    folder = f"results/population/{stack}/generation{generation}"
    members = range(experiment.ada(stack).population.members if generation >= 0 else 0)
    return [f"{folder}/member{member}/{name}" for member in members]


def of_all_members(stack, name):
    """A file of every member of every generation."""
    generations = range(experiment.ada(stack).population.generations)
    return [
        path
        for generation in generations
        for path in of_members(stack, generation, name)
    ]


def decisions_of(stack):
    """The decisions of every generation of a stack's population."""
    generations = range(experiment.ada(stack).population.generations)
    return [
        f"results/population/{stack}/generation{generation}/decisions.csv"
        for generation in generations
    ]


def decisions_before(wildcards):
    """The decisions that a generation's follow; none in the first."""
    generation = int(wildcards.generation)
    return decisions_of(wildcards.stack)[max(0, generation - 1) : generation]


def scores_before(wildcards):
    """The scores that a generation's decisions follow."""
    return of_members(wildcards.stack, int(wildcards.generation) - 1, "score.json")


def states_before(wildcards):
    """The states that a generation can go on from."""
    return of_members(
        wildcards.stack, int(wildcards.generation) - 1, "state.safetensors"
    )


def previous_option(wildcards):
    """The option for their folder; none in the first generation."""
    return [
        f"--previous={os.path.dirname(path)}" for path in decisions_before(wildcards)
    ]


def last_step(wildcards):
    """The step of the whole training that a generation ends after."""
    steps = experiment.ada(wildcards.stack).training.steps
    generations = population_of(wildcards).generations
    return steps // generations * (int(wildcards.generation) + 1)


def all_decisions(wildcards):
    """The decisions of every generation."""
    return decisions_of(wildcards.stack)


def all_member_metrics(wildcards):
    """The figures of every member of every generation."""
    return of_all_members(wildcards.stack, "metrics.csv")


def last_scores(wildcards):
    """The scores that the choice follows."""
    last = population_of(wildcards).generations - 1
    return of_members(wildcards.stack, last, "score.json")


def last_states(wildcards):
    """The states that it chooses from."""
    last = population_of(wildcards).generations - 1
    return of_members(wildcards.stack, last, "state.safetensors")


def populations():
    """Folder of the population of every stack in use that has one."""
    return {
        stack: f"results/population/{stack}"
        for stack in experiment.stacks
        if stack in population_stacks()
    }


def population_files():
    """What the page of populations reads: the choice, every decision, and each member's score and metrics."""
    files = []
    for stack, folder in populations().items():
        files += [f"{folder}/chosen.json", *decisions_of(stack)]
        files += of_all_members(stack, "score.json")
        files += of_all_members(stack, "metrics.csv")
    return files


def population_pages(wildcards):
    """The page of populations; none where no stack in use has one."""
    return ["results/report/population.html"] if populations() else []
