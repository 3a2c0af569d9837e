"""A test with real clips, and the real server of it in a process of its own, which a test may kill."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import soundfile
from small_tests import POWER

from descant.listening.files import ABPage, Design, Manifest, MosPage, RaterList, Stimulus, write_json

RATE = 16000
SCALES = ("fidelity", "musicality")
# a real answer as a browser sends it
ANSWER = {
    "page": 0,
    "scale": "fidelity",
    "value": 4,
    "revision": 1,
    "plays": 1,
    "heard_ms": 300,
    "rating_ms": 900,
    "comment": "",
}


def make_test(
    folder: Path, pages: int = 3, lists: int = 2, seconds: float = 0.3, pairs: bool = False
) -> tuple[Path, Path, Path]:
    """Write stimuli, manifest and design; every list has ``pages`` pages of its own and one control.

    Returns:
        Paths of manifest, design and the folder of stimuli.
    """
    stimuli_folder = folder / "stimuli"
    stimuli_folder.mkdir(parents=True)
    stimuli: list[Stimulus] = []

    def add(kind: str, system: str, item: int | None, **shown: object) -> str:
        random = np.random.default_rng(len(stimuli))
        wave = 0.1 * np.sin(np.arange(round(seconds * RATE)) * random.uniform(0.05, 0.3))
        temporary = stimuli_folder / "clip.flac"
        soundfile.write(temporary, wave, RATE)
        content = temporary.read_bytes()
        name = hashlib.sha256(f"{len(stimuli)}".encode()).hexdigest()[:16]
        temporary.rename(stimuli_folder / f"{name}.flac")
        stimuli.append(
            Stimulus.model_validate(
                {
                    "name": name,
                    "kind": kind,
                    "system": system,
                    "item": item,
                    "file": f"{name}.flac",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "lufs": -23.0,
                    "loudness": "integrated",
                    "true_peak_dbtp": -20.0,
                    **shown,
                }
            )
        )
        return name

    add("training", "training_good", None, label={"fidelity": 5, "musicality": 5})
    add("training", "training_fidelity", None, label={"fidelity": 1})
    control = add("control", "control_noise", None, expected={"fidelity": (1, 2), "musicality": (1, 2)})
    dealt = []
    for number in range(lists):
        made: list[MosPage | ABPage] = []
        for page in range(pages - 1):
            item = number * pages + page
            a = add("system", "secret_wavenet" if page % 2 else "secret_vqvae", item)
            if pairs:
                made.append(ABPage(page=page, a=a, b=add("system", "secret_other", item)))
            else:
                made.append(MosPage(page=page, stimulus=a))
        last = add("control", "control_real", None, expected={"fidelity": (4, 5)}) if pairs else control
        made.append(ABPage(page=pages - 1, a=control, b=last) if pairs else MosPage(page=pages - 1, stimulus=control))
        dealt.append(RaterList(list=number, pages=tuple(made)))
    sha = hashlib.sha256(f"{pages} {lists} {seconds} {pairs}".encode()).hexdigest()
    scales = ("preference",) if pairs else SCALES
    manifest = Manifest(design=sha, seconds=seconds, sample_rate=RATE, scales=scales, stimuli=tuple(stimuli))
    design = Design(design=sha, type="ab" if pairs else "mos", lists=tuple(dealt), raters_planned=lists, power=POWER)
    write_json(folder / "manifest.json", manifest)
    write_json(folder / "design.json", design)
    return folder / "manifest.json", folder / "design.json", stimuli_folder


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Served:
    """The server of a test, which can be killed and started again on its port."""

    folder: Path
    files: tuple[Path, Path, Path]
    must_hear: bool = True
    most_sessions: int = 1000
    log: Path | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    token: str = ""

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """The file of ratings."""
        return self.folder / "ratings" / "ratings.sqlite"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        manifest, design, stimuli = self.files
        settings = {"folder": str(self.folder / "ratings"), "port": self.port, "must_hear": self.must_hear}
        settings["most_sessions"] = self.most_sessions
        command = [sys.executable, "-m", "descant.commands.listen", "--settings", json.dumps(settings)]
        command += ["--manifest", str(manifest), "--design", str(design), "--stimuli", str(stimuli)]
        environment = {name: value for name, value in os.environ.items() if name != "DESCANT_WORKFLOW"}
        with self.log.open("w") if self.log else nullcontext() as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"/experimenter#(\S+)", line)
            if found:
                self.token = found[1]
                break
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                httpx.get(f"{self.url}/study.json", timeout=5, verify=False)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, and give the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        return status

    def begin(self, client: httpx.Client) -> str:
        """Begin a session."""
        answer = client.post(f"{self.url}/sessions", json={"consent": True})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session"])
