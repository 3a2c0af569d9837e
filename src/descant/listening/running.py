"""The server as a process: its address, the experimenter's token, its links, and how it ends."""

import contextlib
import ipaddress
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from descant.errors import ListeningError
from descant.listening.connections import BACKLOG, TimedProtocol
from descant.listening.database import UnavailableError
from descant.listening.server import make_app
from descant.listening.store import Store
from descant.listening.study import Study
from descant.runs.interruption import workflow_is_gone

TOKEN_FILE = "token"
SECONDS_BETWEEN_LOOKS = 2.0
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def experimenter_token(folder: Path) -> str:
    """The experimenter's token, drawn on the first use; only the folder's owner can read it.

    Raises:
        ListeningError: when the file that holds it is empty.
    """
    path = folder / TOKEN_FILE
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{TOKEN_FILE}.{secrets.token_hex(8)}.tmp"
    if not path.exists():
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(32), encoding="ascii")
        # whoever comes second takes the first one's
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
        temporary.unlink()
    token = path.read_text(encoding="ascii").strip()
    if len(token) < 32:
        raise ListeningError(f"{path} holds no token", "delete it: another one is drawn")
    return token


def hosts_of(host: str, port: int, names: Sequence[str]) -> tuple[str, ...]:
    """Values of ``Host`` to answer, the one for links first.

    Args:
        host: address that is bound.
        port: bound.
        names: by which raters ask for the page, with the port where it is none of a scheme's own.

    Raises:
        ListeningError: when the address is not this machine's own and no name is given.
    """
    loopback = tuple(f"{name}:{port}" for name in LOOPBACK)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if host in ("localhost", "127.0.0.1", "::1"):
        return (*names, address, *loopback)
    if not names and _is_any(host):
        raise ListeningError(
            f"{host} is every address of this machine: the server must know by which name raters ask for it",
            "set listening.names, for example [music.example.org] or ['192.168.1.20:8080']",
        )
    return (*names, *(() if _is_any(host) else (address,)), *loopback)


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def serve(
    study: Study, store: Store, host: str, port: int, names: Sequence[str], folder: Path, most_sessions: int
) -> None:
    """Serve a test until Ctrl-C, SIGTERM or the experimenter's button, and print its links.

    Args:
        study: the test.
        store: that knows it.
        host: address to bind.
        port: to bind.
        names: see :func:`hosts_of`.
        folder: of the token.
        most_sessions: of the test that may be begun.

    Raises:
        ListeningError: when the address cannot be bound.
    """
    hosts = hosts_of(host, port, names)
    token = experimenter_token(folder)
    bound = _bind(host, port)
    server: list[uvicorn.Server] = []

    def stop() -> None:
        server[0].should_exit = True

    app = make_app(study, store, token, hosts, stop, most_sessions)
    config = uvicorn.Config(
        app,
        # what is warned of is what strangers send
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16384,
        http=TimedProtocol,
        backlog=BACKLOG,
        ws="none",
    )
    server.append(uvicorn.Server(config))
    scheme = "https" if names and ":" not in names[0] else "http"
    print(f"for raters:           {scheme}://{hosts[0]}/", flush=True)
    print(f"for the experimenter: {scheme}://{hosts[0]}/experimenter#{token}", flush=True)
    print(
        "Ratings are on disk as they are made. The experimenter's page stops the server, and so does Ctrl-C.",
        flush=True,
    )
    threading.Thread(target=_look_after, args=(store, stop), daemon=True).start()
    # Ctrl-C is how a person ends it, SIGTERM how a machine does: uvicorn finishes what it does, and raises it again
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server[0].run([bound])
    print("the server has ended", flush=True)


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ListeningError(
            f"{host}, port {port}, cannot be served on: {error.strerror or error}",
            "end what holds the port, or set listening.port or listening.host",
        ) from error
    return bound


def _look_after(store: Store, stop: Callable[[], None]) -> None:
    """Finish deletions that another program held up, and end the server when its workflow has died."""
    while not workflow_is_gone():
        with contextlib.suppress(UnavailableError):
            store.empty_journal()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    stop()
