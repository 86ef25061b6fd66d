"""WebSockets: the kit carries none of a visitor's state there, so it judges who may open one and no more."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Send

from . import security_headers
from .errors import Problem, device_required
from .foreign import SCHEMES, Foreign
from .guard import Guard
from .host import Host
from .intake import check_head
from .problem_response import render


def judge(
    scope: dict[str, Any], host: Host, bound: Guard, foreign: Foreign, body_limit: int
) -> Problem | None:
    """The `Problem` for which a WebSocket must not be opened, if any; `scope` gets the site's address."""
    try:
        if host.address is not None:
            host.address.admit(scope)
        check_head({**scope, "method": "GET"}, body_limit)
        foreign.judge(scope)
    except Problem as problem:
        return problem
    # No browser proves anything when it opens one.
    return device_required() if bound.covers(scope) else None


async def refuse(scope: dict[str, Any], receive: Receive, send: Send, problem: Problem) -> None:
    """Say no to the handshake: with the problem where the server can, else 403 (ASGI, "Close")."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        status, headers, body = render(problem, page=False)
        headers += security_headers.missing(headers, SCHEMES[scope["scheme"]])
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
