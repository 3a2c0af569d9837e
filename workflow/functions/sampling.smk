# What is drawn: how long, from what, and in how much memory.


def sampled_samples():
    """Audio samples of a draw, a multiple that every stack can make exactly."""
    multiple = experiment.length_multiple
    return (
        -(
            -round(experiment.sampling.seconds * experiment.audio.sample_rate)
            // multiple
        )
        * multiple
    )


def codes_above(wildcards):
    """What was drawn one level up."""
    above = int(wildcards.level) + 1
    name = "top" if above == top_level(wildcards.model) else f"level{above}"
    return f"results/samples/{wildcards.model}/{name}.npy"


def ada_above(wildcards):
    """Model file of the ADA between a level and the one above it."""
    stack = experiment.levels(wildcards.model)[int(wildcards.level) + 1]
    return f"results/ada/{stack}/model.safetensors"


def draw_megabytes(wildcards):
    """Memory of drawing a level below codes: what its rows remember, three times over while it is saved."""
    above = experiment.levels(wildcards.model)[int(wildcards.level) + 1]
    return megabytes_below(above, experiment.sampling.count)


def megabytes_below(stack, sequences):
    """Memory of drawing so many sequences below a stack's top ADA."""
    shape = experiment.ada(stack).local_model
    windows = experiment.sampling.windows
    rows = sequences * (windows.count if windows else 1)
    remembered = shape.receptive_field * shape.residual_channels
    remembered += 16 * len(shape.dilations) * shape.gate_channels
    return 4000 + 3 * 4 * rows * remembered // 10**6


def adas_down(wildcards):
    """Model files of a stack's ADAs, top first: the order in which its codes become audio."""
    names = wildcards.stack.split(".")
    stacks = [".".join(names[:level]) for level in range(len(names), 0, -1)]
    return [f"results/ada/{stack}/model.safetensors" for stack in stacks]


def reconstruct_megabytes(wildcards):
    """Memory of decoding the excerpts twice: one level at a time, so the most that a level takes."""
    names = wildcards.stack.split(".")
    sequences = 2 * experiment.evaluation.reconstruction.excerpts
    return max(
        megabytes_below(".".join(names[: level + 1]), sequences)
        for level in range(len(names))
    )


def drawn_audio(wildcards):
    """A model's drawn mu-law audio."""
    name = "level0" if top_level(wildcards.model) else "top"
    return f"results/samples/{wildcards.model}/{name}.npy"


def note_of(wildcards):
    """The option for a model's note, or nothing: Snakemake does not quote an empty text."""
    note = experiment.models[wildcards.model].note
    return [f"--note={note}"] if note else []
