"""An app whose answers take time, and which tells afterwards what has happened in it."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from edge import Stateless

MEGABYTE = 1024 * 1024
seen: Counter[str] = Counter()
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def stream(
    part: bytes, count: int | None = None, wait: Callable[[], Any] | None = None, **options: Any
) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        number = 0
        try:
            while count is None or number < count:
                number += 1
                seen["bytes"] += len(part)
                yield part
                if wait is not None:
                    await wait()
            seen["complete"] += 1
        finally:
            await asyncio.sleep(0)
            seen["finally"] += 1

    return StreamingResponse(parts(), **options)


async def tell(_: Request) -> Response:
    result = dict(seen)
    seen.clear()
    return JSONResponse(result)


async def endless(_: Request) -> Response:
    return stream(b"x" * 65_536)


async def download(_: Request) -> Response:
    return stream(b"d" * MEGABYTE, 50)


async def ticks(_: Request) -> Response:
    return stream(b"data: tick\n\n", wait=lambda: asyncio.sleep(0.005), media_type="text/event-stream")


async def silent(_: Request) -> Response:
    async def events() -> AsyncIterator[bytes]:
        try:
            await asyncio.Event().wait()
            yield b"never"
        finally:
            seen["finally"] += 1

    return StreamingResponse(events(), media_type="text/event-stream")


async def broken(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0)
        raise ValueError("on purpose")

    return StreamingResponse(parts())


async def upload(request: Request) -> Response:
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return JSONResponse([size, digest.hexdigest()])


async def form(request: Request) -> Response:
    async with request.form() as fields:
        digest = hashlib.sha256()
        file = fields["file"]
        assert not isinstance(file, str)
        while chunk := await file.read(MEGABYTE):
            digest.update(chunk)
        return JSONResponse([file.size, digest.hexdigest()])


class Listener:
    """Plain ASGI: waits for the client to leave, in a task of its own and in `send`."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            seen["disconnect"] += 1

        listening = asyncio.create_task(listen())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"on", "more_body": True})
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen["cancelled"] += 1
                try:
                    await send({"type": "http.response.body", "body": b"off", "more_body": True})
                except OSError:
                    seen["oserror"] += 1
                raise
        finally:
            await listening


async def background(_: Request) -> Response:
    async def later() -> None:
        await asyncio.sleep(0.05)
        seen["background"] += 1

    return PlainTextResponse("done", background=BackgroundTask(later))


async def hops(request: Request) -> Response:
    """As many turns of the event loop as asked for."""
    for _ in range(int(request.query_params["n"])):
        await asyncio.sleep(0)
    return PlainTextResponse("ok")


async def spin(_: Request) -> Response:
    """Tasks that never let the loop be idle do not keep others, or timers, from their turn."""

    async def busy() -> None:
        while True:
            await asyncio.sleep(0)
            seen["turns"] += 1

    task = asyncio.create_task(busy())
    await asyncio.sleep(0.02)
    task.cancel()
    return PlainTextResponse(str((await asyncio.gather(task, return_exceptions=True))[0].__class__.__name__))


async def order(_: Request) -> Response:
    """What asyncio promises, as text to compare with CPython's."""
    loop, said = asyncio.get_running_loop(), []
    timers = [loop.call_later(0.001 * n, said.append, f"timer {n}") for n in (3, 1, 2)]
    timers[2].cancel()
    loop.call_soon(said.append, "soon")
    variable.set("outer")

    async def inner() -> None:
        said.append(f"inner {variable.get()}")
        variable.set("inner")
        await asyncio.sleep(0)
        said.append(f"inner {variable.get()}")

    await asyncio.gather(inner(), inner())
    said.append(f"outer {variable.get()}")
    try:
        async with asyncio.timeout(0.005):
            await asyncio.Event().wait()
    except TimeoutError:
        said.append("timeout")
    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(asyncio.sleep(60))
            group.create_task(fail())
    except* ValueError:
        said.append(f"group {waiting.cancelled()}")
    handled: list[Any] = []
    loop.set_exception_handler(lambda _loop, context: handled.append(type(context["exception"]).__name__))
    loop.call_soon(int, "no number")
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    asyncio.get_running_loop().call_later(0.001, queue.put_nowait, 7)
    said.append(f"queue {await queue.get()}")
    loop.set_exception_handler(None)
    said.extend(handled)
    return PlainTextResponse("\n".join(said))


async def fail() -> None:
    raise ValueError("on purpose")


async def through(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    return response


async def ok(_: Request) -> Response:
    return PlainTextResponse("ok")


ROUTES = [
    Route("/tell", tell),
    Route("/endless", endless),
    Route("/download", download),
    Route("/ticks", ticks),
    Route("/silent", silent),
    Route("/broken", broken),
    Route("/upload", upload, methods=["PUT"]),
    Route("/form", form, methods=["POST"]),
    Route("/background", background),
    Route("/hops", hops),
    Route("/spin", spin),
    Route("/order", order),
    Route("/ok", ok),
    Mount("/listener", Listener()),
    Mount(
        "/wrapped", routes=[Route("/ok", ok)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=through)]
    ),
]

app = Stateless(Starlette(routes=ROUTES), anywhere=["/{rest:path}"], max_body=64 * MEGABYTE)
