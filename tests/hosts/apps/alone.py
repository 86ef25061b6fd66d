"""An app that wants threads, processes, sockets and time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge import Stateless


def taken() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def waiting(condition: threading.Condition, timeout: float | None = None) -> Any:
    with condition:
        return condition.wait(timeout)


def full() -> queue.Queue[int]:
    line: queue.Queue[int] = queue.Queue(1)
    line.put(1)
    return line


async def nothing() -> str:
    return "nothing"


# Nobody can end these where there is one thread.
ENDLESS: dict[str, Callable[[], Any]] = {
    "future": lambda: concurrent.futures.Future().result(),
    "exception": lambda: concurrent.futures.Future().exception(),
    "futures": lambda: concurrent.futures.wait([concurrent.futures.Future()]),
    "event": lambda: threading.Event().wait(),
    "long-event": lambda: threading.Event().wait(3600),
    "condition": lambda: waiting(threading.Condition()),
    "lock": lambda: taken().acquire(),
    "with-lock": lambda: taken().__enter__(),
    "semaphore": lambda: threading.Semaphore(0).acquire(),
    "barrier": lambda: threading.Barrier(2).wait(),
    "queue": lambda: queue.Queue().get(),
    "full-queue": lambda: full().put(2),
    "simple-queue": lambda: queue.SimpleQueue().get(),
    "priority-queue": lambda: queue.PriorityQueue().get(),
    "joined-queue": lambda: full().join(),
}
# These an edge can do, or fails at in its own way.
ABSENT: dict[str, Callable[[], Any]] = {
    "thread": lambda: threading.Thread(target=print).start(),
    "timer": lambda: threading.Timer(0, print).start(),
    "pool": lambda: concurrent.futures.ThreadPoolExecutor().submit(print),
    "process": lambda: subprocess.run(["true"], check=False),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
    "name": lambda: socket.getaddrinfo("localhost", 80),
    "run": lambda: asyncio.run(nothing()),
    "loop": lambda: asyncio.new_event_loop().run_until_complete(nothing()),
    "own-loop": lambda: asyncio.get_event_loop().run_until_complete(nothing()),
    "long-sleep": lambda: time.sleep(3600),
}
# These end everywhere, and in the same way.
FINE: dict[str, Callable[[], Any]] = {
    "free-lock": lambda: threading.Lock().acquire(),
    "no-wait": lambda: taken().acquire(blocking=False),
    "short-wait": lambda: taken().acquire(timeout=0.001),
    "short-event": lambda: threading.Event().wait(0.001),
    "no-get": lambda: suppressed(queue.Empty, lambda: queue.Queue().get(timeout=0.001)),
    "rlock": lambda: threading.RLock().acquire(),
    "short-result": lambda: suppressed(TimeoutError, lambda: concurrent.futures.Future().result(0.001)),
    "sleep": lambda: time.sleep(0.001),
    "released": lambda: suppressed(RuntimeError, lambda: threading.Lock().release()),
    "odd-wait": lambda: suppressed(ValueError, lambda: threading.Lock().acquire(False, 1)),
    "put-and-get": lambda: (full().get(), full().qsize()),
}
WAYS = {**ENDLESS, **ABSENT, **FINE}


def suppressed(kind: type[Exception], work: Callable[[], Any]) -> str:
    try:
        work()
    except kind as error:
        return f"{kind.__name__}: {error}"
    return "no exception"


async def in_a_task(request: Request) -> Response:
    return PlainTextResponse(repr(WAYS[request.path_params["way"]]()))


def in_a_thread(request: Request) -> Response:
    return PlainTextResponse(repr(WAYS[request.path_params["way"]]()))


async def swallowed(request: Request) -> Response:
    with suppress(Exception):
        WAYS[request.path_params["way"]]()
    return PlainTextResponse("as if nothing had happened")


def parts(_: Request) -> Response:
    def slowly() -> Iterator[str]:
        for number in range(3):
            yield f"part {number}\n"
            time.sleep(0.2)

    return StreamingResponse(slowly())


async def spin(_: Request) -> Response:
    while True:
        pass


def expression(_: Request) -> Response:
    """Hours within one call of C."""
    return PlainTextResponse(str(re.match(r"(a+)+$", "a" * 40 + "b")))


async def file(_: Request) -> Response:
    return FileResponse(Path(__file__).with_name("alone.txt"))


async def ok(_: Request) -> Response:
    return PlainTextResponse("ok")


app = Stateless(
    Starlette(
        routes=[
            Route("/", ok),
            Route("/task/{way}", in_a_task),
            Route("/thread/{way}", in_a_thread),
            Route("/swallowed/{way}", swallowed),
            Route("/parts", parts),
            Route("/file", file),
            Mount("/files", StaticFiles(directory=Path(__file__).parent)),
            Route("/spin", spin),
            Route("/expression", expression),
        ]
    ),
    anywhere=["/{rest:path}"],
)
