"""A Python that imports once what takes seconds, and runs modules in forks of itself.

``python fork_server.py SOCKET`` prints a line when it listens, and ends when its standard input does. Nothing of
Descant is imported before the fork: a command that forgot an import of ours fails here too.
"""

import gc
import importlib
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress

# fmt: off
LIBRARIES = (
    "numpy", "pandas", "pyarrow.compute", "pyarrow.parquet", "scipy.signal", "scipy.stats", "numba", "soundfile",
    "soxr", "pydantic", "typer", "yaml", "jinja2", "mido", "snakemake.cli", "snakemake.api",
    "torch", "torch._dynamo", "torch.utils.tensorboard", "lightning_fabric",
)
# fmt: on
Request = tuple[list[str], str, dict[str, str]]


def serve(path: str) -> Request | None:
    """Listen until standard input ends; a fork returns with what it is to run."""
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as ready:
        listening.bind(path)
        listening.listen(64)
        for opened in (listening, sys.stdin):
            ready.register(opened, selectors.EVENT_READ)
        print("listening", flush=True)
        while True:
            for key, _ in ready.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is listening:
                    client, _ = listening.accept()
                    request, files = receive(client)
                    if (child := os.fork()) == 0:
                        for other in ready.get_map().values():
                            if other.fileobj not in (listening, sys.stdin):
                                os.close(other.fd)
                        client.close()
                        for number, file in enumerate(files):
                            os.dup2(file, number)
                            os.close(file)
                        return request
                    for file in files:
                        os.close(file)
                    ready.register(client, selectors.EVENT_READ, child)
                    ready.register(os.pidfd_open(child), selectors.EVENT_READ, (child, client))
                elif isinstance(key.data, tuple):
                    child, client = key.data
                    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                    with suppress(OSError):
                        client.sendall(bytes([status if status >= 0 else 128 - status]))
                    ready.unregister(key.fd)
                    os.close(key.fd)
                    with suppress(KeyError):
                        ready.unregister(client)
                    client.close()
                else:
                    signals = key.fileobj.recv(16)
                    # what a client gets is passed on, and its process ends with it
                    for number in signals or [signal.SIGKILL]:
                        os.kill(key.data, number)
                    if not signals:
                        ready.unregister(key.fileobj)


def receive(client: socket.socket) -> tuple[Request, list[int]]:
    """What a client asks for, and its three standard files."""
    size, files, *_ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as stream:
        return marshal.loads(stream.read(int.from_bytes(size))), files


def become(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be ``python -m`` with these arguments."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv, sys.orig_argv = arguments, [sys.executable, "-m", *arguments]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    if asked := serve(sys.argv[1]):
        become(*asked)
