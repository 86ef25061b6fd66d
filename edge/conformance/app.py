"""The echo app that every host is tested with."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route

from ..app import Stateless
from ..context import context
from ..errors import Problem
from . import awkward

ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BODY_LIMIT = 1_000_000  # bytes
LEAVES = b"".join(b"leaf %04d\n" % number for number in range(1000))


async def echo(request: Request) -> Response:
    body = await request.body()
    pairs = ((n, v) for n, v in request.scope["headers"] if n.startswith(b"x-"))  # a look at all is an edge's
    own = sorted((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["path"],
            "raw_path": request.scope["raw_path"].decode("latin-1"),
            "query": request.scope["query_string"].decode("latin-1"),
            "arguments": list(request.query_params.multi_items()),
            "headers": own,
            "type": request.headers.get("content-type", ""),
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    )


async def text(_request: Request) -> Response:
    return PlainTextResponse("Grüner Tee, 緑茶, 🍵\n")


async def page(_request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Tea</title><body><h1>Tea &amp; more</h1></body>")


async def binary(request: Request) -> Response:
    size = int(request.query_params["size"])
    return Response(bytes(i % 251 for i in range(size)), media_type="application/octet-stream")


async def status(request: Request) -> Response:
    return Response(status_code=request.path_params["code"])


async def redirect(_request: Request) -> Response:
    return RedirectResponse("/text?from=redirect", status_code=303)


async def stream(_request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for number in range(5):
            await asyncio.sleep(0.001)
            yield f"part {number}\n"

    return StreamingResponse(parts(), media_type="text/plain")


async def eager_stream(_request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(12):
            yield bytes([number]) * 65_536

    return StreamingResponse(parts(), media_type="application/octet-stream")


def in_a_thread(_request: Request) -> Response:
    return PlainTextResponse("a plain function")


def stream_in_a_thread(_request: Request) -> Response:
    def parts() -> Iterator[str]:
        yield from ("one ", "two ", "three")

    return StreamingResponse(parts(), media_type="text/plain")


async def events(_request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0.001)
            yield f"id: {number}\ndata: cup {number}\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")


def file(_request: Request) -> Response:
    """A real file, which Starlette serves with ranges."""
    path = Path(tempfile.gettempdir(), "edgekit-conformance.txt")
    if not path.exists():
        path.write_bytes(LEAVES)
    return FileResponse(path, media_type="text/plain", headers={"etag": '"leaves"'})


async def conditional(request: Request) -> Response:
    headers = {"etag": '"brew-7"', "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return PlainTextResponse("brewed", headers=headers)


async def streamed_body(request: Request) -> Response:
    digest, parts = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        parts += len(part)
    return JSONResponse({"length": parts, "sha256": digest.hexdigest()})


async def background(_request: Request) -> Response:
    return PlainTextResponse("done before the rest", background=BackgroundTask(lambda: None))


async def form(request: Request) -> Response:
    async with request.form() as fields:
        found: list[list[str | int | None]] = []
        for name, value in fields.multi_items():
            if isinstance(value, str):
                found.append([name, value])
            else:
                digest = hashlib.sha256(await value.read()).hexdigest()
                found.append([name, value.filename, value.content_type, value.size, digest])
    return JSONResponse(found)


async def parsed(request: Request) -> Response:
    return JSONResponse({"parsed": await request.json()})


async def refuse(_request: Request) -> Response:
    raise Problem("forbidden", "not for you", hint=7)


async def teapot(_request: Request) -> Response:
    raise HTTPException(418, "short and stout", headers={"x-tea": "yes"})


async def lifespan_state(request: Request) -> Response:
    return JSONResponse({"started": request.state.started})


async def new_ids(request: Request) -> Response:
    """Of a key and nobody: random, so no host can show what another has shown."""
    ctx = context(request)
    ids, sent = {ctx.new_id(), ctx.new_id()}, request.headers["idempotency-key"]
    return JSONResponse(
        {"ids": len(ids), "key": len(ctx.key), "steady": ctx.key == ctx.key, "own": ctx.key != sent}
    )


async def show_state(request: Request) -> Response:
    return JSONResponse({"state": dict(context(request).state), "session": dict(request.session)})


async def change_state(request: Request) -> Response:
    ctx = context(request)
    ctx.state["cart"] = {**ctx.state.get("cart", {}), "tea": 2}
    return JSONResponse(dict(ctx.state))


async def visit(request: Request) -> Response:
    """Changes the state without being asked to write anything."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JSONResponse(dict(request.session))


async def from_catalog(request: Request) -> Response:
    ctx = context(request)
    tea = await ctx.catalog.get("conformance", "tea")
    return JSONResponse({"tea": tea, "none": await ctx.catalog.get("absent", "tea")})


async def add_header(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["x-wrapped"] = "yes"
    return response


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, int]]:
    yield {"started": 1}


app = Stateless(
    Starlette(
        lifespan=lifespan,
        routes=[
            *awkward.ROUTES,
            Route("/echo", echo, methods=ALL_METHODS),
            Route("/echo/{rest:path}", echo, methods=ALL_METHODS),
            Route("/text", text),
            Route("/page", page),
            Route("/binary", binary),
            Route("/status/{code:int}", status),
            Route("/redirect", redirect, methods=["GET", "POST"]),
            Route("/stream", stream),
            Route("/eager-stream", eager_stream),
            Route("/events", events),
            Route("/file", file),
            Route("/conditional", conditional),
            Route("/streamed-body", streamed_body, methods=["PUT"]),
            Route("/thread", in_a_thread),
            Route("/thread-stream", stream_in_a_thread),
            Route("/background", background),
            Route("/form", form, methods=["POST"]),
            Route("/json", parsed, methods=["POST"]),
            Route("/refuse", refuse),
            Route("/teapot", teapot),
            Route("/lifespan", lifespan_state),
            Route("/ids", new_ids, methods=["POST"]),
            Route("/state", show_state),
            Route("/state", change_state, methods=["POST"]),
            Route("/visit", visit),
            Route("/catalog", from_catalog),
            Mount(
                "/wrapped",
                routes=[
                    Route("/echo", echo),
                    Route("/stream", stream),
                    Route("/wrong-length", awkward.wrong_length),
                ],
                middleware=[Middleware(BaseHTTPMiddleware, dispatch=add_header)],
            ),
        ],
    ),
    anywhere=["/{rest:path}"],
    max_body=BODY_LIMIT,
)
