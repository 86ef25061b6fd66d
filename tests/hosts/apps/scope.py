"""Tells what an app sees of a request: its scope and its body, as JSON."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edge import Stateless

SHOWN = ("type", "http_version", "method", "scheme", "path", "root_path", "server")


async def tell(request: Request) -> Response:
    scope = request.scope
    body = await request.body()
    seen = {name: scope[name] for name in SHOWN}
    seen["client"] = [scope["client"][0], scope["client"][1] > 0] if scope["client"] else None
    for name in ("raw_path", "query_string"):
        seen[name] = scope[name].decode("latin-1")
    seen["headers"] = [[part.decode("latin-1") for part in pair] for pair in scope["headers"]]
    seen["body"] = [len(body), hashlib.sha256(body).hexdigest()[:8]]
    return JSONResponse(seen)


async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await (await tell(Request(scope, receive)))(scope, receive, send)


app = Stateless(asgi)
