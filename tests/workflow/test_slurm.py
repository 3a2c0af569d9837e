"""The Slurm profile on a real Slurm: a run to its end, and trainings that lose their allocation."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from forking import forking
from pipeline import ROOT, TINY, environment, run
from slurm import Cluster, needs_slurm, running_slurm

from descant.config.loading import merge
from descant.config.reading import read_yaml

pytestmark = [pytest.mark.slow, needs_slurm, pytest.mark.timeout(1500)]
PROFILE = ROOT / "profiles" / "slurm" / "profile.v9+.yaml"
# one training, long enough to lose its allocation on the way
LONG = {
    "training": {"checkpoint_every": 100, "log_every": 1000},
    "priors": {"large": {"training": {"steps": 2400, "validate_every": 1200}}},
}
TRAINED = "results/training/large-on-audio/model.safetensors"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_slurm(tmp_path_factory.mktemp("s") / "c") as running:
        yield running


def mended_profile(folder: Path, **rules: dict[str, object]) -> Path:
    """The shipped profile with the lines mended that are a site's own, and quick polling."""
    profile = yaml.safe_load(PROFILE.read_text())
    del profile["default-resources"]["slurm_account"]
    profile["default-resources"] |= {"slurm_partition": "main", "mem_mb": 300}
    for name, resources in profile["set-resources"].items():
        resources |= {"slurm_partition": "main", "mem_mb": 600, **rules.get(name, {})}
    profile |= {
        "slurm-status-command": "squeue",
        "slurm-init-seconds-before-status-checks": 1,
        "seconds-between-status-checks": 2,
        "latency-wait": 5,
        "retries": 20,
    }
    path = folder / "profile" / "config.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(profile))
    return path.parent


def submit(cluster: Cluster, folder: Path, profile: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start Snakemake, whose jobs Slurm runs with these variables too."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--workflow-profile",
        str(profile),
    ]
    path = os.pathsep.join([str(cluster.folder / "bin"), environment()["PATH"]])
    return subprocess.Popen(
        [*command, *arguments, "--directory", str(folder)],
        stdout=(folder / "out.txt").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment(), **cluster.environment, "PATH": path, **variables},
        cwd=ROOT,
    )


def progress(folder: Path) -> int:
    """Steps of the newest checkpoint of the one training."""
    return max(
        (int(path.stem.removeprefix("step-")) for path in (folder / "results" / "runs").rglob("step-*.safetensors")),
        default=0,
    )


def wait_for(true: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(0.3)


def jobs_of(cluster: Cluster, folder: Path) -> list[str]:
    """Numbers of the running jobs that work in a folder."""
    shown = cluster.ask("squeue", "--noheader", "--states=RUNNING", "--Format=JobID:20,WorkDir:400").splitlines()
    return [line.split()[0] for line in shown if line.split()[1] == str(folder)]


def trainings_in(folder: Path) -> list[psutil.Process]:
    """The processes of trainings that work in a folder."""
    found = psutil.process_iter(["cmdline", "cwd"])
    named = [one for one in found if "descant.commands.train" in (one.info["cmdline"] or [])]
    return [one for one in named if one.info["cwd"] == str(folder)]


def is_asked_to_end(process: psutil.Process) -> bool:
    """Whether SIGTERM awaits a process that is stopped, or it is no more."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return True
    pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_a_deep_model_from_scores_to_players(cluster: Cluster, tmp_path: Path) -> None:
    fake_gpu = {"gres": "gpu:fake:1"}
    profile = mended_profile(tmp_path, train=fake_gpu, train_member=fake_gpu)
    # its level 2 is trained by a population: generations of members, each a job
    targets = ["results/report/players/vqvae_pbt.html", "results/likelihood/codes-on-vqvae8.vqvae8_pbt.parquet"]
    over = tmp_path / "over.yaml"
    over.write_text(yaml.safe_dump(merge(read_yaml(TINY), {"corpus": {"shards": 1}})))
    running = submit(cluster, tmp_path, profile, *targets, "--configfile", str(over), BASH_ENV=str(forking().bash))
    assert running.wait(1200) == 0, (tmp_path / "out.txt").read_text()
    assert all((tmp_path / target).exists() for target in targets)
    assert "submitted with SLURM jobid" in (tmp_path / "out.txt").read_text()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a training that takes a quarter of a minute."""
    path = tmp_path_factory.mktemp("config") / "long.yaml"
    path.write_text(yaml.safe_dump(merge(read_yaml(TINY), LONG)))
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, long: Path) -> Path:
    """A folder with a training that nothing happened to, made without Slurm."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    run(folder, "--cores", "2", TRAINED, over=long)
    return folder


@pytest.fixture
def corpus(tmp_path: Path, undisturbed: Path) -> Path:
    """A folder in which all but that training is done."""
    folder = tmp_path / "run"
    shutil.copytree(undisturbed, folder, ignore=shutil.ignore_patterns("runs", "training"))
    return folder


def shown(folder: Path) -> str:
    return (folder / "out.txt").read_text()


def test_a_training_at_its_time_limit_goes_on_in_the_next_job(
    cluster: Cluster, corpus: Path, long: Path, undisturbed: Path
) -> None:
    # a busy machine's job has more time at its next attempt
    limit = {"runtime": "4 * attempt - 3", "slurm_extra": "'--signal=TERM@1'"}
    running = submit(cluster, corpus, mended_profile(corpus, train=limit), TRAINED, "--configfile", str(long))
    wait_for(lambda: progress(corpus) >= 100, "a checkpoint")
    (training,) = trainings_in(corpus)
    # Slurm's shortest limit is a minute: what is left of it is no work
    training.suspend()
    wait_for(lambda: is_asked_to_end(training), "Slurm's signal", 600)
    with suppress(psutil.NoSuchProcess):
        training.resume()
    assert running.wait(900) == 0, shown(corpus)
    assert shown(corpus).count("Trying to restart job") >= 1
    assert (corpus / TRAINED).read_bytes() == (undisturbed / TRAINED).read_bytes()
    assert "going on from step" in (corpus / "results/logs/train/large-on-audio.log").read_text()


def test_a_requeued_training_goes_on(cluster: Cluster, corpus: Path, long: Path, undisturbed: Path) -> None:
    running = submit(cluster, corpus, mended_profile(corpus), TRAINED, "--configfile", str(long))
    wait_for(lambda: progress(corpus) >= 300, "a checkpoint")
    (job,) = jobs_of(cluster, corpus)
    # what preemption does with PreemptMode=REQUEUE
    cluster.ask("scontrol", "requeue", job)
    wait_for(lambda: not jobs_of(cluster, corpus), "the end of the preempted job")
    cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    assert running.wait(900) == 0, shown(corpus)
    assert "Trying to restart job" not in shown(corpus), "Snakemake was to wait for the requeued job"
    assert (corpus / TRAINED).read_bytes() == (undisturbed / TRAINED).read_bytes()


def test_a_killed_controller_is_run_again(cluster: Cluster, corpus: Path, long: Path, undisturbed: Path) -> None:
    profile = mended_profile(corpus)
    running = submit(cluster, corpus, profile, TRAINED, "--configfile", str(long))
    wait_for(lambda: progress(corpus) >= 300, "a checkpoint")
    running.send_signal(signal.SIGKILL)
    running.wait()
    run(corpus, "--cores", "1", "--unlock", over=long)
    again = submit(cluster, corpus, profile, TRAINED, "--configfile", str(long))
    assert again.wait(900) == 0, shown(corpus)
    assert (corpus / TRAINED).read_bytes() == (undisturbed / TRAINED).read_bytes()
    assert "going on from step" in (corpus / "results/logs/train/large-on-audio.log").read_text()


STATUS = """\
#!/bin/sh
case $(squeue --noheader --states=all --format=%T --jobs="$1") in
  COMPLETED) echo success ;;
  PENDING|CONFIGURING|RUNNING|COMPLETING) echo running ;;
  *) echo failed ;;
esac
"""


def test_the_generic_profile_takes_any_submit_command(cluster: Cluster, tmp_path: Path) -> None:
    profile = yaml.safe_load((ROOT / "profiles" / "generic" / "profile.v9+.yaml").read_text())
    status = tmp_path / "status.sh"
    status.write_text(STATUS)
    status.chmod(0o755)
    profile |= {
        "cluster-generic-submit-cmd": "sbatch --parsable --cpus-per-task={threads} --output=/dev/null",
        "cluster-generic-status-cmd": str(status),
        "cluster-generic-cancel-cmd": "scancel",
        "latency-wait": 5,
    }
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(profile))
    running = submit(cluster, tmp_path, folder, "corpus", "--configfile", str(TINY), BASH_ENV=str(forking().bash))
    assert running.wait(600) == 0, shown(tmp_path)
    assert (tmp_path / "results/sequences/audio/data.npy").exists()
    assert "with external jobid" in shown(tmp_path)
