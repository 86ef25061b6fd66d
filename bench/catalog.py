"""A catalog of 50,000 items (10 MB) on CPython, with a real origin: a page that shows one item."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pages import ask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from browser import servers
from edge import Stateless, context
from edge.catalog import Catalog
from edge.hosts import native
from edge.types import Reply

ITEMS, REQUESTS = 50_000, 500
HOUR = 3600.0  # seconds; by then what was fetched is stale


def publish(folder: Path) -> None:
    folder.mkdir()
    rows = {f"tea-{i}": {"name": f"Tea number {i}", "price": i, "text": "leaf " * 30} for i in range(ITEMS)}
    (folder / "products.json").write_text(json.dumps(rows))


async def show(request: Request) -> Response:
    item = await context(request).catalog.get("products", "tea-7")
    return PlainTextResponse(str(item))


class World:
    """The page on a native host whose catalog has a clock of its own; counts what is transferred."""

    def __init__(self, origin: str) -> None:
        self.later = 0.0
        self.transfers = 0
        host = native.host(native.Settings(origin=origin), {})
        self._fetch = native.OriginTransport(origin).public_fetch
        catalog = Catalog(self.fetch, lambda: time.monotonic() + self.later, random.random)
        self.app = Stateless(Starlette(routes=[Route("/", show)]), script=False)
        self.app.bind(dataclasses.replace(host, catalog=catalog))

    async def fetch(self, path: str, etag: str | None) -> Reply:
        reply = await self._fetch(path, etag)
        self.transfers += reply.status == 200
        return reply

    async def milliseconds(self, requests: int) -> list[float]:
        times = []
        for _ in range(requests):
            began = time.perf_counter()
            assert await ask(self.app, "/", b"text/plain") == 200
            times.append((time.perf_counter() - began) * 1000)
        return times


async def figures(stop: Callable[[], None], world: World) -> dict[str, float]:
    first = (await world.milliseconds(1))[0]
    later = await world.milliseconds(REQUESTS)
    world.later = HOUR
    renewed = (await world.milliseconds(1))[0]
    stop()
    world.later = 2 * HOUR
    without = await world.milliseconds(REQUESTS)
    return {
        "first request": first,
        "later ones, median": statistics.median(later),
        "later ones, longest": max(later),
        "asked again after an hour": renewed,
        "origin stopped, first request after another hour": without[0],
        "origin stopped, median": statistics.median(without),
    }


def run() -> Iterator[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        publish(folder / "catalog")
        yield "JSON", (folder / "catalog" / "products.json").stat().st_size / 1e6, "MB"
        world = World(opened.enter_context(servers.origin(folder / "catalog", folder / "data")))
        for what, value in asyncio.run(figures(opened.close, world)).items():
            yield what, value, "ms"
        yield "transfers", world.transfers, "times"
