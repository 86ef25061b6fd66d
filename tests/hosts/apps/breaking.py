"""Handlers that break an interpreter, or keep it busy without end."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import pickle
import re
import sys

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from edge import Stateless

DEPTH = 20_000


def nested() -> list[object]:
    value: list[object] = []
    for _ in range(DEPTH):
        value = [value]
    return value


def recursion() -> None:
    def again() -> int:
        return again() + 1

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        again()
    finally:
        sys.setrecursionlimit(before)


def attribute() -> None:
    class Endless:
        def __getattr__(self, name: str) -> object:
            return getattr(self, name + "x")

        def __repr__(self) -> str:
            return repr([self])

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        repr(Endless())
    finally:
        sys.setrecursionlimit(before)


def chain() -> None:
    value: object = None
    for _ in range(50 * DEPTH):
        value = (value,)
    del value


def forever() -> None:
    while True:
        pass


DEEP = {
    "json": lambda: json.loads("[" * DEPTH + "]" * DEPTH),
    "repr": lambda: repr(nested()),
    "equal": lambda: nested() == nested(),
    "pickle": lambda: pickle.dumps(nested()),
    "recursion": recursion,
    "attribute": attribute,
    "chain": chain,
}
FATAL = {
    "exit": lambda: os._exit(3),
    "abort": os.abort,
    "null": lambda: ctypes.string_at(2**31 - 1),
    "forever": forever,
    "regex": lambda: re.match(r"(a+)+$", "a" * 64 + "b"),
}


async def break_it(request: Request) -> Response:
    how = request.query_params["how"]
    when = request.query_params.get("when", "now")
    action = {**DEEP, **FATAL}[how]
    if when == "later":
        await asyncio.sleep(0.01)
    if when == "after":
        return PlainTextResponse("first", background=BackgroundTask(action))
    action()
    return PlainTextResponse("survived")


async def tell(request: Request) -> Response:
    await request.json()
    return PlainTextResponse("read")


async def query(request: Request) -> Response:
    json.loads(request.query_params["q"])
    return PlainTextResponse("read")


async def slow(request: Request) -> Response:
    await asyncio.sleep(600)
    return PlainTextResponse("slow")


async def parts(request: Request) -> Response:
    async def endless():
        while True:
            yield b"part\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(endless())


async def length(request: Request) -> Response:
    """An answer of another length than it says."""
    how = request.query_params["how"]
    headers = {"content-length": "10" if how != "none" else "ten"}
    size = 5 if how.endswith("shorter") else 15

    async def body():
        if how.startswith("later"):
            yield b"1"
            await asyncio.sleep(0.01)
        yield b"2" * (size - how.startswith("later"))

    return StreamingResponse(body(), headers=headers)


async def ok(request: Request) -> Response:
    return PlainTextResponse("ok")


app = Stateless(
    Starlette(
        routes=[
            Route("/break", break_it, methods=["GET", "POST"]),
            Route("/json", tell, methods=["POST"]),
            Route("/query", query),
            Route("/slow", slow),
            Route("/parts", parts),
            Route("/ok", ok),
            Route("/length", length),
        ]
    ),
    script=False,
)
