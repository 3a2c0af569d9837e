"""What every request passes before the application sees it, and every answer before it leaves; plain ASGI.

- ``Host`` must be one that the server is known by: a foreign page whose name was made to point here (DNS rebinding) is
  turned away. ``Origin``, where a browser sends it, must be one of them too.
- A body over the limit is refused while it arrives.
- Every answer carries a policy that forbids the page all but its own files.
"""

import json
from collections.abc import Iterable

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 64 * 1024
TOO_LARGE = f"at most {BODY_BYTES} bytes are taken"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """The application behind its guard."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """Guard an application.

        Args:
            app: that answers.
            hosts: values of ``Host`` that are answered, with the port where browsers send it.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(f"{scheme}://{host}" for scheme in ("http", "https") for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answered[name] = value
                answered.setdefault("cache-control", "no-store")
            await send(message)

        origin = headers.get("origin")
        if headers.get("host", "").lower() not in self._hosts:
            await _refuse(guarded, 421, "this server does not answer for that name")
        elif origin is not None and origin.lower() not in self._origins:
            await _refuse(guarded, 403, "another site's page may not ask this")
        elif _length(headers) > BODY_BYTES:
            await _refuse(guarded, 413, TOO_LARGE)
        else:
            await self._app(scope, _limited(receive), guarded)


def _length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES:
            # the application answers with it
            raise HTTPException(413, TOO_LARGE)
        return message

    return limited


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
