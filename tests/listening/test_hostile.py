"""What someone sends who means harm: paths, scripts, large bodies, forged names, old messages, foreign hosts."""

import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from browsing import Rater, chromium, needs_browser
from hypothesis import given
from hypothesis import strategies as st
from served import ANSWER, Served, make_test

from descant.listening.answers import COMMENT_BYTES
from descant.listening.export import export, public_name
from descant.listening.files import read_design
from descant.listening.guard import BODY_BYTES

XSS = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    server = Served(folder, make_test(folder / "test"))
    server.start()
    yield server
    assert server.stop() == 0, "Ctrl-C is a clean end"


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30, verify=False) as made:
        yield made


@pytest.fixture(scope="module")
def session(served: Served, client: httpx.Client) -> str:
    return served.begin(client)


def raw(served: Served, request: bytes) -> bytes:
    """An answer to bytes that no well-behaved client sends."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def rate(client: httpx.Client, session: str, **over: Any) -> httpx.Response:
    return client.post(f"/s/{session}/ratings", json={**ANSWER, **over})


@pytest.mark.parametrize(
    "path",
    [
        "/page/../store.py",
        "/page/..%2fstore.py",
        "/page/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/page/..%252f..%252fetc%252fpasswd",
        "/page//etc/passwd",
        "/page/rater.html",
        "/s/{session}/audio/../../../../etc/passwd",
        "/s/{session}/audio/..%2f..%2f..%2fetc%2fpasswd.flac",
        "/s/{session}/audio/%2e%2e%2fmanifest.json",
        "/s/{session}/audio/0000000000000000%00.flac",
        "/s/{session}/audio/..\\..\\manifest.flac",
        "/s/..%2f..%2f/session.json",
        "/manifest.json",
        "/openapi.json",
        "/docs",
    ],
)
def test_no_path_leads_out(served: Served, session: str, path: str) -> None:
    request = (
        f"GET {path.format(session=session)} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    )
    answer = raw(served, request.encode())
    assert answer.split()[1] in (b"404", b"422"), answer
    assert b"secret_" not in answer
    assert b"root:" not in answer


def test_only_the_clips_of_ones_own_list_are_given(served: Served, client: httpx.Client, session: str) -> None:
    shown = client.get(f"/s/{session}/session.json").json()
    own = {name for page in shown["pages"] for name in page["clips"]}
    design = read_design(served.files[1])
    every = {page.stimulus for of in design.lists for page in of.pages if hasattr(page, "stimulus")}
    assert {client.get(f"/s/{session}/audio/{name}.flac").status_code for name in own} == {200}
    foreign = every - own
    assert foreign
    assert {client.get(f"/s/{session}/audio/{name}.flac").status_code for name in foreign} == {404}
    assert client.get(f"/s/{'0' * 32}/audio/{min(own)}.flac").status_code == 404
    part = client.get(f"/s/{session}/audio/{min(own)}.flac", headers={"Range": "bytes=10-19"})
    assert (part.status_code, len(part.content)) == (206, 10)


def test_what_is_reported_of_a_clip_is_the_same_for_all(served: Served, client: httpx.Client, session: str) -> None:
    pages = client.get(f"/s/{session}/session.json").json()["pages"]
    given = {name: client.get(f"/s/{session}/audio/{name}.flac").headers for page in pages for name in page["clips"]}
    assert len(given) == 3
    # neither the time of a file nor a hash of it: systems are written one after another
    assert len({headers["last-modified"] for headers in given.values()}) == 1
    assert all(headers["etag"] == f'"{name}"' for name, headers in given.items())
    for number, name in enumerate(given):
        os.utime(served.files[2] / f"{name}.flac", (10**9 + number, 10**9 + number))
    for name, headers in given.items():
        again = client.get(f"/s/{session}/audio/{name}.flac").headers
        assert (again["last-modified"], again["etag"]) == (headers["last-modified"], headers["etag"])


def test_who_reads_the_export_cannot_rate(served: Served, client: httpx.Client) -> None:
    session = served.begin(client)
    assert rate(client, session, comment="one\rtwo").status_code == 200
    headers = {"Authorization": f"Bearer {served.token}"}
    content = client.get("/experimenter/ratings.csv", headers=headers).content
    assert session not in content.decode()
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False, dtype={"session": str})
    own = table[table["session"] == public_name(session)]
    assert own["comment"].tolist() == ["one\rtwo"]
    for name in own["session"]:
        assert rate(client, name).status_code == 422
    sessions = client.get("/experimenter/state.json", headers=headers).json()["sessions"]
    assert [shown["rated"] for shown in sessions if shown["session"] == session] == [1]


@pytest.mark.parametrize("forged", ["0" * 32, "0" * 31, "A" * 32, "", "../x", "%00" * 8, "ü" * 32])
def test_a_forged_session_is_none(client: httpx.Client, forged: str) -> None:
    assert client.get(f"/s/{forged}/session.json").status_code in (404, 422)
    assert rate(client, forged).status_code in (404, 422)


@pytest.mark.parametrize(
    "over",
    [
        {"page": -1},
        {"page": 3},
        {"page": 10**30},
        {"page": "0"},
        {"page": 0.5},
        {"scale": "preference"},
        {"scale": "fidelity'; DROP TABLE ratings; --"},
        {"scale": None},
        {"value": 0},
        {"value": 6},
        {"value": True},
        {"value": "5"},
        {"value": [5]},
        {"revision": 0},
        {"revision": 10**6},
        {"plays": 0},
        {"plays": -1},
        {"heard_ms": 10**12},
        {"comment": None},
        {"comment": "x" * (COMMENT_BYTES + 1)},
        {"comment": "é" * (COMMENT_BYTES // 2 + 1)},
        {"stimulus": "0000000000000000"},
        {"list": 1},
        {"source": "simulated"},
    ],
)
def test_what_no_page_can_say_is_refused(client: httpx.Client, session: str, over: dict[str, Any]) -> None:
    assert rate(client, session, **over).status_code == 422


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"page": NaN}', b"[" * 60000, json.dumps(ANSWER).encode() + b"}"]
)
def test_a_body_that_is_no_rating_is_refused(client: httpx.Client, session: str, body: bytes) -> None:
    answer = client.post(f"/s/{session}/ratings", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_foreign_form_cannot_rate(client: httpx.Client, session: str, kind: str) -> None:
    answer = client.post(f"/s/{session}/ratings", content=json.dumps(ANSWER).encode(), headers={"Content-Type": kind})
    assert answer.status_code == 422


def test_a_half_of_a_surrogate_pair_is_no_text(client: httpx.Client, session: str) -> None:
    body = json.dumps({**ANSWER, "comment": "\ud83d"}).encode()
    answer = client.post(f"/s/{session}/ratings", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_a_large_body_is_refused_reported_or_not(served: Served, client: httpx.Client, session: str) -> None:
    large = b" " * (BODY_BYTES + 1)
    assert client.post(f"/s/{session}/ratings", content=large).status_code == 413
    # in pieces, without a length
    pieces = client.post(f"/s/{session}/ratings", content=(b" " * 8192 for _ in range(1000)))
    assert pieces.status_code == 413
    rest = f"HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n"
    head = f"POST /sessions {rest}Content-Length: 99999999999\r\n\r\n"
    assert b"413" in raw(served, head.encode()).split(b"\r\n")[0]
    assert raw(served, f"GET /{'x' * 100_000} {rest}\r\n".encode()).split()[1].startswith(b"4")
    assert client.get("/study.json").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example", "", "localhost:1", "0.0.0.0:80"]
)
def test_another_host_is_turned_away(client: httpx.Client, session: str, host: str) -> None:
    answer = client.get(f"/s/{session}/session.json", headers={"Host": host})
    assert answer.status_code in (400, 421)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost", "http://["])
def test_another_sites_page_cannot_ask(client: httpx.Client, session: str, origin: str) -> None:
    answer = client.post(f"/s/{session}/ratings", json=ANSWER, headers={"Origin": origin})
    assert answer.status_code == 403
    assert client.post("/sessions", json={"consent": True}, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("consent", [{}, {"consent": False}, {"consent": "yes"}, {"consent": True, "list": 1}])
def test_no_consent_no_session(client: httpx.Client, consent: dict[str, object]) -> None:
    assert client.post("/sessions", json=consent).status_code == 422


def test_an_old_message_changes_nothing(served: Served, client: httpx.Client) -> None:
    session = served.begin(client)
    first, second = {"value": 1, "revision": 1}, {"value": 5, "revision": 2}
    for over in (first, second, first, first, second):
        assert rate(client, session, **over).status_code == 200
    conflict = rate(client, session, value=3, revision=1)
    assert (conflict.status_code, conflict.json()["latest"]) == (409, 2)
    answers = client.get(f"/s/{session}/session.json").json()["answers"]
    assert [(answer["value"], answer["revision"]) for answer in answers] == [(5, 2)]


@pytest.mark.parametrize("path", ["state.json", "ratings.csv", "ratings.parquet"])
def test_without_the_token_the_experimenters_pages_are_shut(served: Served, client: httpx.Client, path: str) -> None:
    wrong = ["", "Bearer", f"Bearer {served.token[:-1]}", f"Bearer {served.token}x", served.token, "Bearer \xe9"]
    for value in wrong:
        answer = client.get(f"/experimenter/{path}", headers={"Authorization": value.encode("latin-1")})
        assert answer.status_code == 401
        assert "secret" not in answer.text
    right = client.get(f"/experimenter/{path}", headers={"Authorization": f"Bearer {served.token}"})
    assert right.status_code == 200


def test_nobody_else_sets_aside_deletes_or_stops(client: httpx.Client, session: str) -> None:
    assert client.post(f"/experimenter/sessions/{session}/excluded", json={"excluded": True}).status_code == 401
    assert client.delete(f"/experimenter/sessions/{session}").status_code == 401
    assert client.post("/experimenter/stop").status_code == 401


def test_every_answer_carries_the_policy(client: httpx.Client, session: str) -> None:
    for path in ("/", "/page/rater.js", f"/s/{session}/", f"/s/{session}/session.json", "/nothing", "/experimenter"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert client.get("/", headers={"Host": "evil.example"}).headers["x-content-type-options"] == "nosniff"


def test_the_token_is_its_owners_alone(served: Served) -> None:
    for name in ("token", "ratings.sqlite"):
        assert (served.folder / "ratings" / name).stat().st_mode & 0o077 == 0


# NUL, line ends of all kinds, quotes, and what spreadsheets and shells take for commands
odd = st.text("&+%\"'<>\\;=@,\n\r\t\0 aé音\U0001f3b5\u2028\ufeff", max_size=200)


@given(st.one_of(odd, st.text(max_size=300)))
def test_comments_come_back_as_they_were(served: Served, comment: str) -> None:
    with httpx.Client(base_url=served.url, timeout=30) as client:
        session = served.begin(client)
        assert rate(client, session, comment=comment).status_code == 200
        (answer,) = client.get(f"/s/{session}/session.json").json()["answers"]
    assert answer["comment"] == comment
    table = export(served.database)
    assert table.loc[table["session"] == public_name(session), "comment"].tolist() == [comment]


@needs_browser
@pytest.mark.slow
def test_a_script_in_a_comment_is_text_to_the_experimenter(
    served: Served, client: httpx.Client, tmp_path: Path
) -> None:
    session = served.begin(client)
    assert rate(client, session, comment=XSS).status_code == 200
    with chromium(tmp_path / "profile") as driver:
        rater = Rater(driver)
        driver.get(f"{served.url}/experimenter#{served.token}")
        rater.until(lambda: XSS in rater.find("#comments").text)
        assert driver.title == "Listening test: progress"
        assert not driver.find_elements("css selector", "#comments img, #comments script")
        assert rater.errors() == []
        # a session is set aside by its button, and no longer counts
        before = int(driver.execute_script("return document.querySelectorAll('#comments blockquote').length"))
        rater.find(f"button[aria-label='Exclude {session[:8]}']").click()
        driver.switch_to.alert.send_keys("wrote a script")
        driver.switch_to.alert.accept()
        rater.until(lambda: driver.find_elements("css selector", f"button[aria-label='Include {session[:8]}']"))
        left = "return document.querySelectorAll('#comments blockquote').length"
        rater.until(lambda: int(driver.execute_script(left)) == before - 1)
        rater.find(f"button[aria-label='Delete {session[:8]}']").click()
        driver.switch_to.alert.accept()
        rater.until(lambda: not driver.find_elements("css selector", f"button[aria-label='Delete {session[:8]}']"))
    assert rate(client, session).status_code == 410
    assert public_name(session) not in set(export(served.database)["session"])
