"""An app that is unkind to the browser that runs it, if asked to with `?now`, and kind everywhere else."""

from __future__ import annotations

import asyncio
import sys
import time

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from edge import Stateless, context

PAGE = """<!doctype html><title>Pool</title><link rel="icon" href="data:,"><h1>{}</h1>
<script type="module" src="/_edge/strip.js"></script><edgekit-strip></edgekit-strip>"""


def is_unkind(request):
    """Not while the app is warmed up, which asks for each route without a query."""
    return context(request).host == "browser" and "now" in request.query_params


def page(text):
    return HTMLResponse(PAGE.format(text))


async def start(request):
    return page("start")


async def data(request):
    return JSONResponse({"host": context(request).host})


async def wait(request):
    if is_unkind(request):
        await asyncio.sleep(3600)
    return page("waited")


async def block(request):
    until = time.monotonic() + (2.5 if is_unkind(request) else 0)
    while time.monotonic() < until:
        pass
    return page("blocked")


async def crash(request):
    def deeper(_):
        return sorted([1, 2], key=deeper)

    if is_unkind(request):
        sys.setrecursionlimit(1_000_000_000)  # the stack of the JavaScript engine ends before
        deeper(0)
    return page("survived")


async def fail(request):
    if is_unkind(request):
        raise ValueError("a mistake in the app")
    return page("no mistake")


async def record(request):
    await context(request).records.get("notes", "first")
    return page("record")


async def upload(request):
    size = 0
    async for part in request.stream():
        size += len(part)
    return PlainTextResponse(str(size))


app = Stateless(
    Starlette(
        routes=[
            Route("/", start),
            Route("/data", data),
            Route("/wait", wait),
            Route("/block", block),
            Route("/crash", crash),
            Route("/fail", fail),
            Route("/record", record),
            Route("/edge-only", start),
            Route("/upload", upload, methods=["POST"]),
        ]
    ),
    anywhere=["/", "/data", "/wait", "/block", "/crash", "/fail", "/record"],
    readable=["notes"],
    max_body=60_000_000,
)
