# What the rules share: the checked configuration, and functions that hand each rule its slice of it.
import json
import os
import socket
import sys

from snakemake.exceptions import WorkflowError

from descant.config import root
from descant.corpus.scan import folder_digest
from descant.errors import DescantError

try:
    experiment = root.parse(config)
except DescantError as error:
    raise WorkflowError(str(error)) from None

# jobs run the Python that runs the workflow, whether or not its environment is activated
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]

# a job that outlives its workflow would hold its run directory: it looks here who must be alive
if os.environ.get("DESCANT_WORKFLOW", "").rpartition(":")[0] != socket.gethostname():
    os.environ["DESCANT_WORKFLOW"] = f"{socket.gethostname()}:{os.getpid()}"


def alternatives(names):
    """Regular expression for exactly these names; one that matches nothing when there are none."""
    return "|".join(name.replace(".", r"\.") for name in names) or r"(?!)"


wildcard_constraints:
    shard=r"\d+",
    stack=alternatives(experiment.stacks),
    sequence=alternatives((root.AUDIO, *experiment.stacks)),
    prior=alternatives(experiment.priors),
    model=alternatives(experiment.models),
    level=r"\d+",


SHARDS = range(experiment.corpus.shards)
GPUS = experiment.gpus_per_job
THREADS = experiment.threads_per_job


def as_json(section):
    """A section as the JSON text that a command takes."""
    return section.model_dump_json()


def top_level(model):
    """Number of a model's top level: 0 for a plain WaveNet."""
    return len(experiment.levels(model)) - 1


def prior_of(model):
    """Wildcards of the prior that a model samples from."""
    return {"prior": experiment.models[model].prior, "sequence": experiment.top(model)}


def trained_priors():
    """Each pair of prior and sequence that some model needs, once."""
    return sorted({tuple(prior_of(model).values()) for model in experiment.models})
