"""Requests to the shop on CPython, without a network: the kit, the app and its templates."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.testing import Client

CATALOG = Path(__file__).resolve().parents[1] / "examples" / "shop" / "catalog"
ROUNDS, REQUESTS = 5, 100
PATHS = ("/", "/?q=green", "/cart", "/_edge/health")


async def ask(app: Any, path: str, accept: bytes) -> int:
    target, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"bench"), (b"accept", accept)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status


async def microseconds(app: Any, path: str, accept: bytes) -> float:
    """Median over the rounds of the time of one request."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(REQUESTS):
            assert await ask(app, path, accept) == 200, path
        times.append((time.perf_counter() - began) / REQUESTS * 1e6)
    return statistics.median(times)


def run() -> Iterator[tuple[str, float, str]]:
    from shop.app import app  # noqa: PLC0415 - run.py puts the examples on the path

    catalog = {path.stem: json.loads(path.read_text("utf-8")) for path in CATALOG.glob("*.json")}
    bound = Client(app, catalog).app  # to an origin in memory
    for path in PATHS:
        for name, accept in (("HTML", b"text/html"), ("JSON", b"application/json")):
            yield f"GET {path} as {name}", asyncio.run(microseconds(bound, path, accept)), "µs"
