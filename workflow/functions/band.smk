# Which network plays along with a person on the page of `snakemake band`.
from descant.config.band import Band


def band_model(wildcards):
    """The model file that plays: a row's, or where no row can, the one that ships; none where a file is named."""
    if experiment.band.model is not None:
        return []
    if experiment.band_row is not None:
        return model_of(plan.routes[experiment.band_row].trainings[0])
    return shipped("parts/model")


def band_settings(wildcards):
    """How the page is set, and the model file where one is named; whose row plays is an input."""
    return as_json(experiment.band, *set(Band.model_fields) - {"row"})


def band_digest(wildcards):
    """Changes when the model file that is named does."""
    path = experiment.band.model
    return named_digest("band.model", path, "a model file") if path else ""
