"""A real Slurm of one node, started and ended by the test that needs it: no munge, systemd, cgroups or accounting."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "srun")
# sbin is not on everybody's path
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCH) is None]
needs_slurm = pytest.mark.skipif(
    bool(missing) or os.geteuid() != 0,
    reason=f"needs root and Slurm's {', '.join(missing) or 'daemons'} (Debian: slurm-wlm)",
)

CONFIGURATION = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
InactiveLimit=0
KillWait=5
MinJobAge=3600
OverTimeLimit=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={megabytes} Gres=gpu:fake:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
# Slurm refuses regular files as devices, and one that is named twice
DEVICES = ("/dev/null", "/dev/zero")


@dataclass(frozen=True)
class Cluster:
    """A running Slurm.

    Attributes:
        folder: its configuration, state and logs.
        environment: what its clients need.
    """

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        """Run one of Slurm's programs; its standard output."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _megabytes() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 0.9)


@contextmanager
def running_slurm(folder: Path) -> Iterator[Cluster]:
    """Start a controller and a node on free ports, and end both.

    Args:
        folder: that does not exist yet; short, since it is in many of Slurm's paths.
    """
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    host, path = socket.gethostname().split(".")[0], folder / "slurm.conf"
    cpus = os.cpu_count() or 1
    path.write_text(
        CONFIGURATION.format(
            host=host,
            folder=folder,
            controller_port=_free_port(),
            node_port=_free_port(),
            cpus=cpus,
            megabytes=_megabytes(),
        )
    )
    (folder / "gres.conf").write_text("".join(f"NodeName={host} Name=gpu Type=fake File={file}\n" for file in DEVICES))
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    # the plugin takes SLURM_CONF out of the environment of its steps: this gives it back
    srun = folder / "bin" / "srun"
    real = shutil.which("srun", path=SEARCH)
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={path} exec {real} "$@"\n')
    srun.chmod(0o755)
    search = os.pathsep.join([str(srun.parent), SEARCH])
    environment = {**os.environ, "SLURM_CONF": str(path), "PATH": search}
    cluster = Cluster(folder, environment)
    # in the foreground they stay children of this process, which can wait for their end
    daemons = []
    try:
        for name in ("slurmctld", "slurmd"):
            with (folder / f"{name}.out").open("wb") as out:
                daemons.append(
                    subprocess.Popen(
                        [shutil.which(name, path=SEARCH) or name, "-D"], env=environment, stdout=out, stderr=out
                    )
                )
        deadline = time.monotonic() + 60
        while "idle" not in _state(cluster):
            if time.monotonic() > deadline:
                raise AssertionError((folder / "slurmctld.log").read_text() + (folder / "slurmd.log").read_text())
            time.sleep(0.2)
        yield cluster
    finally:
        with suppress(subprocess.SubprocessError):
            cluster.ask("scancel", "--user=root", "--full", "--signal=KILL")
            time.sleep(1)
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _state(cluster: Cluster) -> str:
    try:
        return cluster.ask("sinfo", "--noheader", "--format=%T")
    except subprocess.SubprocessError:
        return ""
