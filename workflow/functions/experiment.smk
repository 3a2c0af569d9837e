# The checked configuration and its plan, and what every group of rules asks of them.
import json
import os
import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.scheduling.job_scheduler import JobScheduler

from descant.config import loading
from descant.config.paths import locate_paths
from descant.config.reading import read_yaml
from descant.errors import DescantError
from descant.plan.plan import make_plan
from descant.plan.starts import begin_from
from descant.runs.interruption import in_a_thread, prepare_jobs

try:
    # Snakemake has read these files, but drops keys that stand twice and reads 0400 as 256
    files = [(Path(path), read_yaml(Path(path))) for path in workflow.configfiles]
    started = Path(os.environ.get("PWD", os.getcwd()))
    experiment = loading.parse(locate_paths(config, files, started))
except DescantError as error:
    raise WorkflowError(str(error)) from None

plan = begin_from(make_plan(experiment), experiment.start_from)
# those that are drawn, measured and compared; of the others there are the trained networks
drawn_rows = {
    name: row for name, row in experiment.models.items() if plan.routes[name].draws
}
prepare_jobs()
# Snakemake's handler of SIGTERM. Here and not in onstart, which the Snakemake inside a cluster's job does not run
JobScheduler.exit_gracefully = in_a_thread(JobScheduler.exit_gracefully)


def run_failed_jobs_again():
    """Let the next run begin with the jobs that failed.

    Snakemake deletes a failed job's outputs and records its parameters as if it had succeeded; where what is made of
    them is there from an earlier run, it would then find nothing to be done.
    """
    for path in (path for job in workflow.scheduler.failed for path in job.output):
        key = workflow.persistence._get_key(path)
        record = workflow.persistence._read_record(key)
        if record is not None:
            record.params = [*(record.params or []), "failed"]
            workflow.persistence._write_record(key, record)


def alternatives(names):
    """Regular expression for exactly these names; one that matches nothing when there are none."""
    return "|".join(map(re.escape, names)) or r"(?!)"


wildcard_constraints:
    shard=r"\d+",
    sequence=alternatives(plan.sequences),
    training=alternatives(plan.trainings),
    likelihood=alternatives(plan.likelihoods),
    rendering=alternatives(plan.renderings),
    piece=alternatives(experiment.music),
    composition=alternatives([*experiment.compositions, "compose"]),
    model=alternatives(drawn_rows),
    level=r"\d+",
    # whose ratings: nothing for people's
    source=r"(simulated/)?",


SHARDS = range(experiment.corpus.shards)
GPUS = min(1, experiment.gpus_per_job)
# of a job that runs networks; CUDA's libraries alone hold gigabytes of the machine's own memory
NETWORK_MEGABYTES = 8000 if GPUS else 4000
THREADS = experiment.threads_per_job


def plain(section, *keys):
    """A section, or only the named keys of it, as plain values."""
    return section.model_dump(mode="json", include=set(keys) or None)


def training_gpus(wildcards):
    """GPUs of a training on all its nodes; more than all jobs together may use Snakemake would cut down without a word."""
    wanted = experiment.nodes_per_job * experiment.gpus_per_job
    # a job of a cluster is given its own number as the limit
    limits = workflow.global_resources if workflow.is_main_process else {}
    if "gpu" in limits and limits["gpu"].value < wanted:
        raise WorkflowError(
            f"gpus_per_job is {experiment.gpus_per_job}, nodes_per_job {experiment.nodes_per_job},"
            f" but all jobs together may use {limits['gpu'].value} GPUs\n"
            f"  cure: give --resources gpu=N, at least {wanted}, on a workstation;"
            " on a cluster --workflow-profile profiles/slurm in place of --profile"
        )
    return wanted


def untracked(value):
    """A parameter that reruns nothing when it changes: Snakemake keeps none that depends on a job's input."""
    return lambda wildcards, input: value


def as_json(section, *keys):
    """A section, or only the named keys of it, as the JSON text that a command takes.

    A brace in people's text is written as an escape, since Snakemake would look for a wildcard in it.
    """
    values = (
        section
        if isinstance(section, dict)
        else section.model_dump(mode="json", include=set(keys) or None)
    )
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r'\{(?=[^"}])', r"\\u007b", text)
