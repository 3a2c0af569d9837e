# Which network plays along with a person on the page of `snakemake band`.
import os

from descant.config.band import Band

shipped_parts = os.path.relpath(f"{workflow.basedir}/pretrained/parts")
# as seen from here where it lies below, so that a moved clone asks for nothing anew
SHIPPED_PARTS = (
    os.path.abspath(shipped_parts)
    if shipped_parts.startswith(os.pardir)
    else shipped_parts
)


def band_model(wildcards):
    """The model file that plays: a row's, or where no row can, the one that ships; none where a file is named."""
    if experiment.band.model is not None:
        return []
    if experiment.band_row is not None:
        return model_of(plan.routes[experiment.band_row].trainings[0])
    path = f"{SHIPPED_PARTS}/model.safetensors"
    if not os.path.exists(path):
        raise WorkflowError(
            "no network can play along: no row of models has an autoregressive_parts with latent: 0, and there is no"
            f" {path}\n  cure: lay a file over config.yaml that has such a row, or name a model file,"
            " --config band='{model: model.safetensors}'"
        )
    return path


def band_settings(wildcards):
    """How the page is set, and the model file where one is named; whose row plays is an input."""
    return as_json(experiment.band, *set(Band.model_fields) - {"row"})


def band_digest(wildcards):
    """Changes when the model file that is named does."""
    path = experiment.band.model
    return named_digest("band.model", path, "a model file") if path else ""
