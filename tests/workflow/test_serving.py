"""``snakemake listen`` in a folder whose stimuli are there: it serves, and it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pipeline import ROOT, command, environment, heed_ctrl_c
from served import ANSWER, free_port, make_test

from descant.listening.export import export

pytestmark = pytest.mark.slow


@contextmanager
def listening(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The workflow while it serves, and the address."""
    make_test(folder / "results" / "listening")
    port = free_port()
    over = folder / "own.yaml"
    over.write_text(f"listening: {{port: {port}}}\n", encoding="utf-8")
    # the rules before it are left out: what they would make is there
    words = command(folder, "listen", "--cores", "2", "--allowed-rules", "listen", over=over)
    with (folder / "shown").open("w") as shown:
        workflow = subprocess.Popen(
            words,
            stdout=shown,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 120
    while time.monotonic() < end and workflow.poll() is None:
        try:
            httpx.get(f"{url}/study.json", verify=False)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    try:
        yield workflow, url
    finally:
        if workflow.poll() is None:
            os.killpg(workflow.pid, signal.SIGKILL)
            workflow.wait()


def rate(url: str) -> None:
    """Store one rating."""
    with httpx.Client(base_url=url) as client:
        session = client.post("/sessions", json={"consent": True}).json()["session"]
        assert client.post(f"/s/{session}/ratings", json=ANSWER).status_code == 200


def test_stopped_by_the_experimenter_the_workflow_succeeds(tmp_path: Path) -> None:
    with listening(tmp_path) as (workflow, url):
        rate(url)
        token = (tmp_path / "ratings" / "token").read_text(encoding="ascii")
        assert f"{url}/experimenter#{token}" in (tmp_path / "shown").read_text(encoding="utf-8")
        httpx.post(f"{url}/experimenter/stop", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        assert workflow.wait(60) == 0
    assert len(export(tmp_path / "ratings" / "ratings.sqlite")) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_the_workflow(tmp_path: Path, how: signal.Signals) -> None:
    with listening(tmp_path) as (workflow, url):
        rate(url)
        if how is signal.SIGINT:
            # a terminal sends Ctrl-C to all of them
            os.killpg(workflow.pid, how)
        else:
            workflow.send_signal(how)
        assert workflow.wait(60) != 0
        end = time.monotonic() + 30
        with pytest.raises(httpx.TransportError):
            while time.monotonic() < end:
                httpx.get(f"{url}/study.json", verify=False)
                time.sleep(0.1)
    assert len(export(tmp_path / "ratings" / "ratings.sqlite")) == 1
