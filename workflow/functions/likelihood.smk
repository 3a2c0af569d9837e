# What is scored, and given what.


def likelihood_of(wildcards):
    """The likelihood that a job measures."""
    return plan.likelihoods[wildcards.likelihood]


def scored_data(wildcards):
    """The packed sequence that is scored."""
    return data_of(likelihood_of(wildcards).scored)


def scored_index(wildcards):
    """Its index."""
    return index_of(likelihood_of(wildcards).scored)


def given_data(wildcards):
    """The packed sequence that it is scored given, where it is."""
    given = likelihood_of(wildcards).given
    return [] if given is None else [data_of(given)]


def given_index(wildcards):
    """Its index."""
    given = likelihood_of(wildcards).given
    return [] if given is None else [index_of(given)]


def scoring_model(wildcards):
    """The model file of the network that scores."""
    return model_of(likelihood_of(wildcards).training)


def given_options(wildcards, input):
    """The options for what it is scored given."""
    options = [f"--codes={os.path.dirname(path)}" for path in input.given]
    if likelihood_of(wildcards).shuffled:
        options.append(f"--shuffle-seed={experiment.seed}")
    return options


def table_bits():
    """The bits that the rows of the table are made of."""
    names = dict.fromkeys(
        name for route in plan.routes.values() for name in route.likelihoods
    )
    return [bits_of(name) for name in names]


def encoded_names():
    """The sequences of codes of stacks, which the rows need."""
    coders = ((one.name, plan.trainings[one.encoded_by].kind) for one in plan.encoded)
    return [name for name, kind in coders if kind == "ada"]


def decoding_bits(shuffled):
    """Bits of what lies below each of them given it, or given it in random order."""
    by_codes = {
        likelihood.given: likelihood.name
        for likelihood in plan.likelihoods.values()
        if likelihood.shuffled == shuffled
    }
    return [bits_of(by_codes[name]) for name in encoded_names()]
