"""An app that wants what browsers hide from service workers, and what Pyodide lacks."""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route

from edge import Stateless, context


async def start(_: Request) -> Response:
    return HTMLResponse("<!doctype html><link rel=icon href=data:,><h1>start</h1>")


async def theme(request: Request) -> Response:
    response = PlainTextResponse(str(request.cookies.get("theme")))
    response.set_cookie("theme", "dark")
    return response


async def only_sets(_: Request) -> Response:
    response = PlainTextResponse("set")
    response.set_cookie("only", "set")
    return response


async def seen(request: Request) -> Response:
    return JSONResponse({"cookies": dict(request.cookies)})


async def basic(request: Request) -> Response:
    if request.headers.get("authorization") is None:
        return PlainTextResponse("who?", 401, headers={"www-authenticate": "Basic"})
    return PlainTextResponse("known")


async def coded(_: Request) -> Response:
    return Response(gzip.compress(b"hello " * 100), headers={"content-encoding": "gzip"})


def thread(_: Request) -> Response:
    words: list[str] = []
    worker = threading.Thread(target=lambda: words.append("from a thread"))
    worker.start()
    worker.join()
    return PlainTextResponse(words[0])


async def own_words(request: Request) -> Response:
    if context(request).host == "browser" and "now" in request.query_params:
        return JSONResponse({"error": "E-1"}, 500)
    return PlainTextResponse("no error")


def parts(_: Request) -> Response:
    def slowly() -> Iterator[str]:
        for number in range(4):
            yield f"part {number}\n"
            time.sleep(0.5)

    return StreamingResponse(slowly())


async def spin(request: Request) -> Response:
    while context(request).host == "browser" and "now" in request.query_params:
        pass
    return PlainTextResponse("it ends")


async def expression(request: Request) -> Response:
    """Hours within one call of C."""
    if context(request).host == "browser" and "now" in request.query_params:
        re.match(r"(a+)+$", "a" * 60 + "b")
    return PlainTextResponse("it ends")


async def file(_: Request) -> Response:
    return FileResponse(Path(__file__).with_name("escalation.txt"))


async def mark(request: Request, go_on: RequestResponseEndpoint) -> Response:
    response = await go_on(request)
    response.headers["x-marked"] = "yes"
    return response


app = Stateless(
    Starlette(
        routes=[
            Route("/", start),
            Route("/theme", theme),
            Route("/only-sets", only_sets),
            Route("/seen", seen),
            Route("/basic", basic),
            Route("/coded", coded),
            Route("/thread", thread),
            Route("/own-words", own_words),
            Route("/parts", parts),
            Route("/spin", spin),
            Route("/expression", expression),
            Mount(
                "/marked",
                routes=[Route("/file", file)],
                middleware=[Middleware(BaseHTTPMiddleware, dispatch=mark)],
            ),
        ]
    ),
    anywhere=[
        *("/", "/theme", "/only-sets", "/seen", "/basic", "/coded", "/thread", "/own-words", "/parts"),
        *("/spin", "/expression", "/marked/file"),
    ],
)
