"""Committed writes per second by many at once, to one record and to a thousand; and a crowd in the shop.

One native edge and one origin on SQLite, over loopback. Each writer is a guest with a connection of its own
who sends the next write when the last one is answered: `increment`, or read-change-write. Afterwards the
numbers at the origin have to be as many as the writes that were confirmed. In the shop forty guests order the
same tea at once, twenty times over, until it is sold out and beyond.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from statistics import quantiles

import httpx2

from browser import servers
from crowds.guest import Guest

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
WRITERS = (1, 4, 16, 64)
RECORDS = (1, 1000)
WAYS = {"increment": "increment", "change": "read-change-write"}
SECONDS = 3.0  # of one series
CROWD, CROWDS, STOCK = 40, 20, 600  # the last crowds find the tea sold out
TEA = "gunpowder"


@contextlib.contextmanager
def site(spec: str, folder: Path, catalog: Path) -> Iterator[tuple[str, str]]:
    """The URLs of an edge with the app `spec` and of its origin, in production mode."""
    with (
        tempfile.TemporaryDirectory() as name,
        servers.origin(catalog, Path(name)) as origin,
        socket.create_server(("127.0.0.1", 0), backlog=128) as listening,
    ):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = ["uvicorn", spec, "--app-dir", str(folder), "--fd", str(listening.fileno())]
        environment = {
            "EDGEKIT_KEYS": str(Path(name) / "keys" / "edge-private.json"),
            "EDGEKIT_ORIGIN": origin,
        }
        with servers.running(
            [*command, "--no-access-log", "--log-level", "warning"], [listening.fileno()], **environment
        ):
            servers.wait_for(f"{url}/_edge/health")
            yield url, origin


@contextlib.asynccontextmanager
async def guests(url: str, number: int) -> AsyncIterator[list[Guest]]:
    async with contextlib.AsyncExitStack() as open_:
        yield [await open_.enter_async_context(Guest(url)) for _ in range(number)]


async def rate(url: str, way: str, records: int, writers: int, serial: Iterator[int]) -> float:
    """Writes that were confirmed per second."""
    confirmed = 0

    async def write_on(guest: Guest, until: float) -> None:
        nonlocal confirmed
        while time.perf_counter() < until:
            number = next(serial)
            target = f"/{way}/{way}-{number % records}"
            answer = await guest.send("POST", target, f"bench-of-crowds-{number:08}")
            if answer.status != 201:
                raise RuntimeError(f"{target}, {writers} writers: {answer.status} {answer.body!r}")
            confirmed += 1

    async with guests(url, writers) as crowd:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for guest in crowd:
                group.create_task(write_on(guest, began + SECONDS))
        return confirmed / (time.perf_counter() - began)


def counted(url: str) -> int:
    """The sum of all numbers at the origin."""
    total, after = 0, ""
    while True:
        page = httpx2.get(f"{url}/_edge/records/shared/numbers?limit=200{after}").json()
        total += sum(item["value"]["count"] for item in page["items"])
        if page["next"] is None:
            return total
        after = f"&after={page['next']}"


def rates(rounds: int) -> Iterator[tuple[str, float, str]]:
    best: dict[tuple[str, int, int], float] = {}
    with tempfile.TemporaryDirectory() as empty, site("app:app", HERE, Path(empty)) as (url, _):
        serial, confirmed = count(1), 0
        for number in range(rounds):
            for records in RECORDS:
                for writers in WRITERS:
                    for way in WAYS:
                        found = asyncio.run(rate(url, way, records, writers, serial))
                        best[way, records, writers] = max(found, best.get((way, records, writers), 0.0))
            print(f"  crowds {number + 1}/{rounds}", file=sys.stderr, flush=True)
        confirmed = next(serial) - 1
        if counted(url) != confirmed:
            raise RuntimeError(f"{confirmed} writes were confirmed, {counted(url)} were counted")
    for records in RECORDS:
        for writers in WRITERS:
            for way, name in WAYS.items():
                place = "1 record" if records == 1 else f"{records:,} records"
                yield f"{name}, {place}, writers: {writers}", best[way, records, writers], "writes/s"
    most = WRITERS[-1]
    yield "increment_vs_read_change_write", best["increment", 1, most] / best["change", 1, most], "ratio"


async def crowd_orders(url: str) -> tuple[list[float], Counter[str]]:
    """Seconds of each order, and how they ended."""
    times: list[float] = []
    ends: Counter[str] = Counter()

    async def order(guest: Guest, key: str) -> None:
        began = time.perf_counter()
        answer = await guest.send("POST", "/orders", key)
        times.append(time.perf_counter() - began)
        ends["ordered" if answer.status == 201 else json.loads(answer.body)["code"]] += 1

    async with guests(url, CROWD) as crowd:
        for number in range(CROWDS):
            for guest in crowd:
                await guest.send("POST", "/cart", body=json.dumps({"sku": TEA, "quantity": 1}).encode())
            async with asyncio.TaskGroup() as group:
                for place, guest in enumerate(crowd):
                    group.create_task(order(guest, f"bench-of-orders-{number:04}-{place:04}"))
    return times, ends


def orders() -> Iterator[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as name:
        products = json.loads((EXAMPLES / "shop" / "catalog" / "products.json").read_text("utf-8"))
        products[TEA]["stock"] = STOCK
        (Path(name) / "products.json").write_text(json.dumps(products), "utf-8")
        with site("shop.app:app", EXAMPLES, Path(name)) as (url, _):
            times, ends = asyncio.run(crowd_orders(url))
    if set(ends) - {"ordered", "out-of-stock"} or ends["ordered"] != min(STOCK, CROWD * CROWDS):
        raise RuntimeError(f"{CROWD * CROWDS} orders of {STOCK} packs ended as {dict(ends)}")
    yield f"{CROWD} orders of one tea at once, {CROWDS} times: ordered", ends["ordered"], "orders"
    yield "told that it is sold out", ends["out-of-stock"], "orders"
    yield "order, p50", 1000 * quantiles(times, n=100)[49], "ms"
    yield "order, p99", 1000 * quantiles(times, n=100)[98], "ms"
    yield "order, slowest", 1000 * max(times), "ms"


def run(rounds: int = 3) -> Iterator[tuple[str, float, str]]:
    """The best of all rounds for each rate; the orders once."""
    yield from rates(rounds)
    yield from orders()
