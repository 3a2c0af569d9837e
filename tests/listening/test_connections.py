"""Connections end by themselves when nothing whole comes, or nothing is taken; who is merely busy is left alone."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from descant.listening import connections
from descant.listening.connections import TimedProtocol

LIMIT = 0.5
LARGE = bytes(32 << 20)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    body = await request.body()
    await Response(LARGE if request.url.path == "/large" else body)(scope, receive, send)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "SECONDS", LIMIT)
    config = uvicorn.Config(application, http=TimedProtocol, lifespan="off", ws="none", log_level="error")
    server = uvicorn.Server(config)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join(20)


def closed_after(connection: socket.socket, piece: bytes = b"") -> float:
    """Seconds until the server closes, while ``piece`` is sent again and again."""
    begun = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - begun < 10:
        try:
            if piece:
                connection.sendall(piece)
            if connection.recv(65536) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("sent", "piece"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b""),
        (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
        # the second request of a connection
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /", b"x"),
    ],
    ids=["nothing", "half", "slow headers", "slow body", "after a request"],
)
def test_a_request_that_never_ends_is_not_waited_for(port: int, sent: bytes, piece: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert LIMIT / 2 < closed_after(connection, piece) < 8


def test_who_takes_nothing_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(4 * LIMIT)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                taken += len(piece)
        assert taken < len(LARGE)


def test_who_asks_whole_requests_is_answered_as_often_as_wanted(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for number in range(6):
            assert client.post("/", content=f"{number}").text == f"{number}"
            time.sleep(LIMIT / 3)
        assert len(client.get("/large").content) == len(LARGE)


def test_when_there_are_too_many_the_oldest_unfinished_one_goes(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 60.0)
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 10)
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        assert closed_after(held[0]) < 5
        held[9].settimeout(0.2)
        with pytest.raises(TimeoutError):
            held[9].recv(1)
    finally:
        for connection in held:
            connection.close()
