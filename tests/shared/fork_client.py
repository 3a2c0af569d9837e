"""``python -IS fork_client.py SOCKET MODULE ARGUMENT ...``: ``python -m MODULE ARGUMENT ...``, run by a fork server."""

import marshal
import os
import signal
import socket
import sys

request = marshal.dumps((sys.argv[2:], os.getcwd(), dict(os.environ)))  # noqa: PTH109 - pathlib takes time
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [len(request).to_bytes(8)], [0, 1, 2])
    server.sendall(request)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: server.sendall(bytes([number])))
    status = server.recv(1)
sys.exit(status[0] if status else "the fork server has ended")
