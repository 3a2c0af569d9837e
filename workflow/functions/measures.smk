# What is measured of models and of what they draw.
from descant.config.models import Stack
from descant.plan.starts import beginning_of

# kinds of networks that make sound in one pass
FORWARD = ("one_pass_vocoder", "vqvae")


def picked_words(model):
    """What a reader must know of a row whose samples were picked; empty for others."""
    numbers = experiment.picked(model)
    count = drawn_rows[model].branch.count if numbers else 0
    chosen = ", ".join(map(str, numbers))
    return f"picked: candidates {chosen} of {count}" if numbers else ""


def note_of(model):
    """What a reader of the table must know of a row."""
    return "; ".join(filter(None, [drawn_rows[model].note, picked_words(model)]))


def row_of(model):
    """One row of the table as the command takes it: facts of the configuration and where its bits are."""
    route = plan.routes[model]
    row = drawn_rows[model]
    paper = row.paper if isinstance(row, Stack) else None
    return {
        "model": model,
        "title": row.title,
        "note": note_of(model),
        "beginning": beginning_of(plan, route),
        "levels": len(route.draws),
        "receptive_field": route.receptive_field,
        "trained_steps": sum(plan.trainings[name].last for name in route.trainings),
        "finest": route.draws[-1].level,
        "bits": [bits_of(name) for name in route.likelihoods],
        "paper": paper.model_dump() if paper else None,
    }


def mel2mel_trainings():
    """One row a Mel2Mel that is trained, as the command of their table takes it; rows that share one are one."""
    first = {}
    for model, row in mel2mel_rows.items():
        first.setdefault(plan.routes[model].trainings[0], (model, row))
    return [
        {
            "model": model,
            "title": row.title,
            "metrics": METRICS.format(training=training),
            "steps": plan.trainings[training].settings.training.steps,
            "parameters": plan.trainings[training].size.parameters,
            "paper": row.paper.model_dump() if row.paper else None,
        }
        for training, (model, row) in first.items()
    ]


def mel2mel_metrics(wildcards):
    """The figures of their trainings."""
    if not mel2mel_rows:
        raise WorkflowError(
            "no row is of the kind mel2mel: add --configfile config/mel2mel-ablation.yaml"
        )
    return [row["metrics"] for row in mel2mel_trainings()]


def top_of(route):
    """The level that a row's prior draws; 0 for one that draws nothing."""
    return route.draws[0].level if route.draws else 0


TABLE_HEADINGS = {
    "title": "Model",
    "levels": "Levels",
    "receptive_field_ms": "Receptive field, ms",
    "trained_steps": "Training steps",
    "beginning": "Trained",
    "bits_per_step_level0": "Bits per step, level 0 (audio)",
    **{
        f"bits_per_step_level{level}": f"Bits per code, level {level}"
        for level in range(1, 1 + max(map(top_of, plan.routes.values())))
    },
    "bits_per_second": "Bits per second",
    "bits_per_sample": "Bits per sample, at most",
    "bits_per_sample_low": "Interval, low",
    "bits_per_sample_high": "Interval, high",
    "test_tracks": "Test tracks",
    "test_seconds": "Test audio, s",
    "our_fidelity": "Fidelity",
    "our_fidelity_n": "Ratings",
    "our_musicality": "Musicality",
    "our_musicality_n": "Ratings",
    "our_raters": "Raters",
    "paper_receptive_field_ms": "Receptive field, ms",
    "paper_fidelity": "Fidelity",
    "paper_fidelity_plus_minus": "±",
    "paper_musicality": "Musicality",
    "paper_musicality_plus_minus": "±",
}


def structure_seconds():
    """Length of the excerpts whose structure is measured: what is asked for, or what is drawn, at most 24 s."""
    drawn = sampled_samples() / experiment.audio.sample_rate
    return experiment.evaluation.structure.seconds or min(24.0, drawn)


def structure_sources(file=str):
    """The folders of what was measured of held-out music, and of each model; `file` is what paths are made of."""

    def folders(source):
        parts = ("structure", "transcription")
        return {part: file(f"results/evaluation/{part}/{source}") for part in parts}

    rows = [
        {"model": model, "title": row.title, **folders(model)}
        for model, row in drawn_rows.items()
    ]
    return {"real": folders("held-out"), "rows": rows}


def compared_seconds():
    """Length of the excerpts that distances compare: as long as is asked for, but not longer than what is drawn."""
    drawn = sampled_samples() / experiment.audio.sample_rate
    return min(experiment.evaluation.distances.seconds, drawn)


def real_vectors():
    """The vectors of real tracks, as they are and degraded."""
    sets = {"test": "test.none", "train": "train.none"}
    sets |= {change: f"test.{change}" for change in ("shuffled", "noise")}
    folder = "results/evaluation/distances/vectors/real"
    return {name: f"{folder}/{file}.parquet" for name, file in sets.items()}


def compared_sets():
    """These, and the vectors of what every model drew."""
    folder = "results/evaluation/distances/vectors/models"
    rows = [
        {"model": model, "title": row.title, "vectors": f"{folder}/{model}.parquet"}
        for model, row in drawn_rows.items()
    ]
    return {**real_vectors(), "rows": rows}


def novelty_settings():
    """What the searches for copies use: how much of it is shown changes none of them."""
    section = experiment.evaluation.novelty
    return as_json(section, *(set(type(section).model_fields) - {"shown"}))


def top_codes(wildcards):
    """The packed codes that a model's prior is trained on."""
    return data_of(plan.routes[wildcards.model].top)


def top_codes_index(wildcards):
    """Their index."""
    return index_of(plan.routes[wildcards.model].top)


def novelty_rows(file=str):
    """A model as its findings are put together; a plain WaveNet's top level is the audio, which has its own searches.

    `file` is what paths are made of.
    """
    folder = "results/evaluation/novelty/models"
    return [
        {
            "model": model,
            "title": row.title,
            "drawn": file(RENDERED.format(model=model)),
            "found": file(f"{folder}/{model}.audio.json"),
            "codes": file(f"{folder}/{model}.codes.json") if top_level(model) else None,
        }
        for model, row in drawn_rows.items()
    ]


def novelty_files():
    """The files that these rows name."""
    keys = ("drawn", "found", "codes")
    return [row[key] for row in novelty_rows() for key in keys if row[key]]


def top_level(model):
    """The level that a model's prior draws: 0 for the audio."""
    return plan.routes[model].draws[0].level


def drawn_top(wildcards):
    """What a model's prior drew."""
    return DRAWN.format(model=wildcards.model, level=top_level(wildcards.model))


def reconstruction_excerpts(file=str):
    """Which excerpts are reconstructed; `file` is what paths are made of."""
    return {
        "reconstruction": plain(experiment.evaluation.reconstruction),
        "audio": file(data_of("audio")),
        "recordings": file(rules.pack.output.samples),
    }


def reconstructed(file=str):
    """What was drawn of each stack's codes; `file` is what paths are made of."""
    return [
        {
            "stack": name,
            "drawn": file(f"results/evaluation/reconstruction/{name}/drawn.npy"),
        }
        for name in encoded_names()
    ]


def renderings_of(codes):
    """The renderings of codes by feed-forward decoders, or those of spectrograms."""
    return {
        name: rendering
        for name, rendering in plan.renderings.items()
        if rendering.of_codes == codes
    }


def decoded_levels(file=str):
    """What feed-forward decoders made of their codes of the same excerpts; `file` is what paths are made of."""
    return [
        {
            "level": rendering.title,
            "sound": file(VOCODED.format(rendering=name)),
            "codes": file(data_of(rendering.frames)),
        }
        for name, rendering in renderings_of(codes=True).items()
    ]


def vocoded(file=str, renderings=plan.renderings):
    """What was made of spectrograms or codes of the same excerpts; `file` is what paths are made of."""
    return [
        {
            "title": rendering.title,
            "sound": file(VOCODED.format(rendering=name)),
            "of_true_frames": rendering.of_true_frames
            and plan.renderings[rendering.of_true_frames].title,
            "row": rendering.row,
        }
        for name, rendering in renderings.items()
    ]


def rendering_of(wildcards):
    """The rendering that a job makes."""
    return plan.renderings[wildcards.rendering]


def rendered_frames(wildcards):
    """The spectrograms that it is made of, data and index; nothing for mu-law alone."""
    frames = rendering_of(wildcards).frames
    return [data_of(frames), index_of(frames)] if frames else []


def vocoders(wildcards):
    """The model file of the vocoder; none where there is nothing to learn."""
    vocoder = rendering_of(wildcards).vocoder
    return [] if vocoder is None else [model_of(vocoder)]


def rendered_rolls(wildcards):
    """The rolls that its vocoder reads, data and index; nothing for one that reads spectrograms alone."""
    vocoder = rendering_of(wildcards).vocoder
    rolls = vocoder and plan.trainings[vocoder].inputs.get("roll")
    return [data_of(rolls), index_of(rolls)] if rolls else []


def vocode_options(wildcards, input):
    """The options for what it is made of, and by which vocoder."""
    folders = {"frames": input.frames[:1], "rolls": input.rolls[:1]}
    read = [
        f"--{name}={os.path.dirname(path)}"
        for name, paths in folders.items()
        for path in paths
    ]
    return read + [f"--vocoder={path}" for path in input.vocoder]


def vocode_megabytes(wildcards):
    """Memory of making the excerpts of their spectrograms: what one that draws them remembers of each."""
    vocoder = rendering_of(wildcards).vocoder
    if vocoder is None or plan.trainings[vocoder].kind in FORWARD:
        return NETWORK_MEGABYTES
    excerpts = experiment.evaluation.reconstruction.excerpts
    return megabytes_below(plan.trainings[vocoder], excerpts)


def code_sequence_below(name):
    """The sequence of codes that one is encoded from; None for the audio."""
    below = plan.sequences[plan.sequences[name].encoded_from]
    return below.name if below.encoded_by else None


def scored_stacks():
    """And the codes of each, and the bits of what lies below given them, and given them in random order."""
    bits = zip(decoding_bits(shuffled=False), decoding_bits(shuffled=True))
    return [
        {
            **drawn,
            "below": code_sequence_below(drawn["stack"]),
            "codes": data_of(drawn["stack"]),
            "true": true,
            "shuffled": shuffled,
        }
        for drawn, (true, shuffled) in zip(reconstructed(), bits)
    ]


def measure_settings(measure):
    """What the figures of a measure and their intervals follow from: its own section of `evaluation:`."""
    keys = ("bootstrap_draws", "confidence", measure)
    return {"evaluation": plain(experiment.evaluation, *keys), "seed": experiment.seed}
