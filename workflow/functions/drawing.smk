# What is drawn: how long, from what, and in how much memory.


def sampled_samples():
    """Audio samples that are drawn of each sample, a prime not counted."""
    return round(experiment.sampling.seconds * experiment.audio.sample_rate)


def draw_of(wildcards):
    """The level that a job draws."""
    return plan.routes[wildcards.model].draw(int(wildcards.level))


def drawing_model(wildcards):
    """The model file of the network that draws it."""
    return model_of(draw_of(wildcards).training)


def drawn_above(wildcards):
    """What was drawn one level up; nothing above the top."""
    above = draw_of(wildcards).given
    return [] if above is None else [DRAWN.format(model=wildcards.model, level=above)]


def given_option(wildcards, input):
    """What it is drawn given, or nothing."""
    return [f"--given={path}" for path in input.given]


def prime_encoders(wildcards):
    """The model files of a row's encoders, bottom first."""
    # each encodes what lies below it, or of Jukebox's levels the waveform
    encoders = [
        plan.sequences[name].encoded_by
        for name in plan.routes[wildcards.model].sequences
    ]
    return [model_of(name) for name in encoders if name]


def prime_settings(wildcards):
    """How many samples a row has, or candidates if these are more, and what they continue."""
    prime = experiment.prime_of(wildcards.model)
    row = drawn_rows[wildcards.model]
    branching = plan.routes[wildcards.model].candidates
    count = max(experiment.sampling.count, row.branch.count if branching else 0)
    return as_json({"count": count, "prime": plain(prime)})


def prime_digest(wildcards):
    """Changes when the recording that samples continue does; empty where they continue a track."""
    prime = experiment.prime_of(wildcards.model)
    return file_digest(prime.file) if prime and prime.file else ""


def primed_with(wildcards):
    """What a row's samples continue, at every level; nothing where they begin from nothing."""
    primed = experiment.prime_of(wildcards.model)
    return [PRIMED.format(model=wildcards.model)] if primed else []


def goes_on(wildcards):
    """Whether a job goes on from candidates that were picked: at the top level."""
    top = draw_of(wildcards).given is None
    return top and bool(experiment.picked(wildcards.model))


def begun_with(wildcards):
    """What a level's sequences begin with: the candidates, or what they continue."""
    if goes_on(wildcards):
        return [CANDIDATES.format(model=wildcards.model)]
    return primed_with(wildcards)


def prime_option(wildcards, input):
    """The level's first steps, or nothing."""
    if goes_on(wildcards):
        return [f"--prime={path}" for path in input.prime]
    return [f"--prime={path}/level{wildcards.level}.npy" for path in input.prime]


def draw_length(wildcards):
    """Steps that are drawn of each sequence; those of candidates are."""
    begun = plan.routes[wildcards.model].candidates if goes_on(wildcards) else None
    return draw_of(wildcards).steps - (begun.steps if begun else 0)


def picks(wildcards):
    """The numbers of a row's sequences, where others could be drawn or primed beside them."""
    numbers = experiment.picked(wildcards.model)
    if not numbers and plan.routes[wildcards.model].candidates:
        numbers = numbers_beside_primes(wildcards, experiment.sampling.count)
    return [f"--pick={number}" for number in numbers]


def candidate_picks(wildcards):
    """The numbers of the candidates, where others are primed beside them."""
    count = experiment.models[wildcards.model].branch.count
    numbers = numbers_beside_primes(wildcards, count)
    return [f"--pick={number}" for number in numbers]


def numbers_beside_primes(wildcards, count):
    """So many numbers from 0 on for a primed row; its primes may be more. None for others."""
    return range(count) if experiment.prime_of(wildcards.model) else ()


def waveform_option(wildcards, input):
    """The audio that is continued, or nothing."""
    return [f"--prime={path}/waveform.npy" for path in input.prime]


def top_prime_option(wildcards, input):
    """The top codes that are continued, or nothing."""
    level = top_level(wildcards.model)
    return [f"--prime={path}/level{level}.npy" for path in input.prime]


def is_transformer(draw):
    """Whether a transformer draws a level, given the level above or nothing."""
    return plan.trainings[draw.training].kind in ("transformer", "upsampler")


def draw_settings(wildcards):
    """The keys of the configuration that a level's draw follows from."""
    return as_json(settings_of_draw(draw_of(wildcards)))


def settings_of_draw(draw):
    """These: only below the top there are windows, and only audio has a loudness."""
    own = () if draw.given is None else ("windows",)
    if draw.level == 0:
        own = ("limit_loudness", *own)
    if is_transformer(draw):
        own = ("guidance", "labels", "slides", "top_k")
    keys = ("count", "temperature", "top_p", "engine", "precision", *own)
    return plain(experiment.sampling, *keys)


def level_option(wildcards):
    """Which level of codes it is, for a transformer: 0 for the finest."""
    draw = draw_of(wildcards)
    return [f"--level={draw.level - 1}"] if is_transformer(draw) else []


def draw_megabytes(wildcards):
    """Memory of drawing a level."""
    return megabytes_of_draw(draw_of(wildcards), experiment.count_of(wildcards.model))


def megabytes_of_draw(draw, count):
    """Memory of drawing so many sequences of a level."""
    training = plan.trainings[draw.training]
    if is_transformer(draw):
        shape = training.settings
        # keys and values of each layer's context at most, three times over while they are saved
        remembered = 2 * shape.layers * shape.context * shape.attention_width
        return NETWORK_MEGABYTES + 3 * 4 * count * remembered // 10**6
    if draw.given is None:
        return NETWORK_MEGABYTES
    return megabytes_below(training, count)


def megabytes_below(training, sequences):
    """Memory of drawing so many sequences below codes: what their rows remember, three times over while it is saved."""
    shape = training.settings.local_model
    windows = experiment.sampling.windows
    rows = sequences * (windows.count if windows else 1)
    remembered = shape.receptive_field * shape.residual_channels
    remembered += 16 * len(shape.dilations) * shape.gate_channels
    return NETWORK_MEGABYTES + 3 * 4 * rows * remembered // 10**6


def decoders(wildcards):
    """Model files that turn a sequence's codes into audio, top first."""
    return [model_of(training.name) for training in plan.decoders(wildcards.sequence)]


def reconstruct_megabytes(wildcards):
    """Memory of decoding the excerpts twice: one level at a time, so the most that a level takes."""
    sequences = 2 * experiment.evaluation.reconstruction.excerpts
    levels = plan.decoders(wildcards.sequence)
    return max(megabytes_below(training, sequences) for training in levels)


def drawn_audio(wildcards):
    """A model's drawn mu-law audio."""
    return DRAWN.format(model=wildcards.model, level=0)


def decoded_rows():
    """The rows whose last level drawn are codes, which are decoded in one pass."""
    return [model for model in drawn_rows if plan.routes[model].decoder]


def drawn_last(wildcards):
    """These codes."""
    level = plan.routes[wildcards.model].draws[-1].level
    return DRAWN.format(model=wildcards.model, level=level)


def level_decoder(wildcards):
    """The model file of the network that decodes them."""
    return model_of(plan.routes[wildcards.model].decoder)


def branching_rows():
    """The rows that have candidates."""
    return [model for model in drawn_rows if plan.routes[model].candidates]


def candidates_of(wildcards):
    """The candidates of a row, as the plan has them."""
    return plan.routes[wildcards.model].candidates


def candidate_settings(wildcards):
    """The keys of the configuration that they follow from."""
    count = experiment.models[wildcards.model].branch.count
    return as_json({**settings_of_draw(candidates_of(wildcards)), "count": count})


def candidate_megabytes(wildcards):
    """Memory of drawing them."""
    count = experiment.models[wildcards.model].branch.count
    return megabytes_of_draw(candidates_of(wildcards), count)


def candidate_samples(wildcards):
    """Audio samples of each."""
    seconds = experiment.models[wildcards.model].branch.seconds
    rate = experiment.audio.sample_rate
    return min(sampled_samples(), round(seconds * rate))


def top_decoder(wildcards):
    """The model file of the network that decodes the top level."""
    return model_of(plan.sequences[plan.routes[wildcards.model].top].encoded_by)


def candidates_page(wildcards):
    """The page to hear them on."""
    if not branching_rows():
        raise WorkflowError(
            "no row draws candidates: that takes one of the kind jukebox with a prior, as config/house.yaml has it"
        )
    return "results/report/candidates.html"
