"""How the server is reached, who holds the token, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest
from served import ANSWER, Served, make_test

from descant.errors import ListeningError
from descant.listening.export import export
from descant.listening.files import read_design, read_manifest
from descant.listening.running import TOKEN_FILE, experimenter_token, hosts_of
from descant.listening.static_site import write_site
from descant.listening.store import Store
from descant.listening.study import Study


def test_the_token_is_drawn_once_whoever_asks(tmp_path: Path) -> None:
    together = Barrier(8)

    def ask(_: int) -> str:
        together.wait(10)
        return experimenter_token(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(ask, range(8)))
    assert len(tokens) == 1
    assert len(tokens.pop()) >= 43, "256 bits"
    assert [file.name for file in tmp_path.iterdir()] == [TOKEN_FILE]
    (tmp_path / TOKEN_FILE).write_text("", encoding="ascii")
    with pytest.raises(ListeningError, match="holds no token"):
        experimenter_token(tmp_path)


def test_the_names_that_are_answered() -> None:
    assert hosts_of("127.0.0.1", 8080, ()) == ("127.0.0.1:8080", "localhost:8080", "127.0.0.1:8080", "[::1]:8080")
    assert hosts_of("::1", 8080, ())[0] == "[::1]:8080"
    assert hosts_of("0.0.0.0", 80, ("music.example.org",))[0] == "music.example.org"
    assert "0.0.0.0:80" not in hosts_of("0.0.0.0", 80, ("music.example.org",))
    assert hosts_of("192.168.1.20", 8080, ())[0] == "192.168.1.20:8080"
    for every in ("0.0.0.0", "::"):
        with pytest.raises(ListeningError, match="by which name"):
            hosts_of(every, 8080, ())


def test_a_port_that_is_held_is_reported(tmp_path: Path) -> None:
    files = make_test(tmp_path / "test")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = json.dumps({"folder": str(tmp_path / "ratings"), "port": holder.getsockname()[1]})
        options = zip(("--manifest", "--design", "--stimuli"), map(str, files), strict=True)
        command = [sys.executable, "-m", "descant.commands.listen", "--settings", settings]
        command += [word for option in options for word in option]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "cannot be served on" in done.stderr
    assert "cure:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_experimenter_stops_the_server_and_ctrl_c_does(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test"), must_hear=False)
    served.start()
    with httpx.Client() as client:
        session = served.begin(client)
        # here a clip need not be heard to its end
        assert client.post(f"{served.url}/s/{session}/ratings", json={**ANSWER, "plays": 0}).status_code == 200
        headers = {"Authorization": f"Bearer {served.token}"}
        assert client.post(f"{served.url}/experimenter/stop", headers=headers).json() == {"stopping": True}
    assert served.process is not None
    assert served.process.wait(30) == 0
    first = served.token
    served.start()
    assert served.token == first
    assert httpx.get(f"{served.url}/s/{session}/session.json").json()["answers"][0]["value"] == 4
    assert served.stop(signal.SIGINT) == 0


def test_sigterm_ends_it_as_cleanly(tmp_path: Path) -> None:
    served = Served(tmp_path, make_test(tmp_path / "test"))
    served.start()
    with httpx.Client() as client:
        session = served.begin(client)
        assert client.post(f"{served.url}/s/{session}/ratings", json=ANSWER).status_code == 200
    assert served.stop(signal.SIGTERM) == 0
    # the journal is written back: the one file is all there is to copy
    assert {file.name for file in served.database.parent.iterdir()} == {"ratings.sqlite", TOKEN_FILE}


def test_a_test_that_was_changed_keeps_what_still_arrives_and_shows(tmp_path: Path) -> None:
    before = Served(tmp_path, make_test(tmp_path / "before"))
    before.start()
    with httpx.Client() as client:
        session = before.begin(client)
        assert client.post(f"{before.url}/s/{session}/ratings", json=ANSWER).status_code == 200
        before.stop()
        after = Served(tmp_path, make_test(tmp_path / "after", pages=4), port=before.port)
        after.start()
        # what waited in the browser is taken; the pages of the old test are no longer shown
        late = {**ANSWER, "scale": "musicality"}
        assert client.post(f"{after.url}/s/{session}/ratings", json=late).status_code == 200
        assert client.get(f"{after.url}/s/{session}/session.json").status_code == 410
        headers = {"Authorization": f"Bearer {after.token}"}
        assert client.get(f"{after.url}/experimenter/state.json", headers=headers).json()["ratings"] == 0
    after.stop()
    old, new = (read_design(served.files[1]).design for served in (before, after))
    assert len(export(after.database, design=old)) == 2 and export(after.database, design=new).empty
    with Store(after.database, "people") as store:
        assert (store.ratings_of_others(new), store.ratings_of_others(old)) == (2, 0)


def test_the_server_ends_with_its_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    files = make_test(tmp_path / "test")
    settings = json.dumps({"folder": str(tmp_path / "ratings"), "port": Served(tmp_path, files).port})
    options = zip(("--manifest", "--design", "--stimuli"), map(str, files), strict=True)
    command = [sys.executable, "-m", "descant.commands.listen", "--settings", settings]
    command += [word for option in options for word in option]
    environment = {**os.environ, "DESCANT_WORKFLOW": f"{socket.gethostname()}:{gone.pid}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0
    assert "the server has ended" in done.stdout


def test_stimuli_that_are_not_the_manifests_are_reported(tmp_path: Path) -> None:
    manifest_path, design_path, stimuli = make_test(tmp_path)
    manifest, design = read_manifest(manifest_path), read_design(design_path)
    clip = stimuli / manifest.stimuli[0].file
    content = clip.read_bytes()
    clip.write_bytes(content[:-1] + b"x")
    with pytest.raises(ListeningError, match="is not the file of the manifest"):
        Study.open(manifest, design, stimuli, must_hear=True)
    clip.unlink()
    with pytest.raises(ListeningError, match="cannot be read"):
        Study.open(manifest, design, stimuli, must_hear=True)
    clip.write_bytes(content)
    other = design.model_copy(update={"design": "0" * 64})
    with pytest.raises(ListeningError, match="different tests"):
        Study.open(manifest, other, stimuli, must_hear=True)


def test_the_static_page_shows_no_system_and_asks_no_other_host(tmp_path: Path) -> None:
    manifest, design, stimuli = make_test(tmp_path)
    study = Study.open(read_manifest(manifest), read_design(design), stimuli, must_hear=True)
    for _ in range(2):
        write_site(study, tmp_path / "site")
    heard = {file.name for file in (tmp_path / "site" / "audio").iterdir()}
    assert heard == {stimulus.file for stimulus in study.manifest.stimuli}
    for file in (tmp_path / "site").rglob("*"):
        if file.suffix in (".html", ".js", ".css", ".svg"):
            text = file.read_text(encoding="utf-8")
            assert "secret" not in text
            assert str(tmp_path) not in text
            assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
            assert "https://" not in text
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    assert 'src="/' not in page
    assert 'href="/' not in page
