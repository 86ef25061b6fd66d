"""The size gate in front of everything: nothing large is parsed, checked or kept."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.errors import Problem
from edge.wire import COMMIT_LIMIT

from .problems import render

HEADERS_LIMIT = 16_384  # bytes of all names and values


class SizeGate:
    """ASGI middleware: 431 for large headers, 413 once a body passes `COMMIT_LIMIT`.

    The server has no header limit of its own (uvicorn with httptools takes megabytes). Bodies are
    counted as they arrive, so a missing or wrong Content-Length changes nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_LIMIT:
                problem = Problem("headers-too-large", f"at most {HEADERS_LIMIT} bytes")
                await render(problem)(scope, receive, send)
                return
            receive = _counted(receive)
        await self._app(scope, receive, send)


def _counted(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > COMMIT_LIMIT:
            raise Problem("body-too-large", f"at most {COMMIT_LIMIT} bytes")
        return message

    return counted
