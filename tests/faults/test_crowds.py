"""Many people at one record (case C1): whoever can be served is served, and nobody sees a conflict.

A real edge and a real origin on SQLite in one process, and the calls between them as HTTP messages. Only what
became of the requests is asserted; `python3 build.py bench crowds` tells how long they take.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.hosts.native import OriginTransport, Settings, host
from edge.keys import NativeKeys, fixed, generate
from edge.keyset import KeySet
from edge.wire import RecordKey
from origin.app import create_app
from origin.sqlite import SQLiteStore
from origin.store import Collection

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PEOPLE, TIMES = 40, 20
TEA, STOCK = "gunpowder", 700  # the last crowd comes too late, and the one before it in part
PAGE = {"accept": "text/html", "sec-fetch-site": "same-origin"}

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """An edge with `app` over a store."""

    def __init__(self, app: Stateless, store: SQLiteStore) -> None:
        self.app, self.store = app, store

    def person(self) -> httpx2.AsyncClient:
        """Somebody with a browser of their own."""
        transport = httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=PAGE)


@asynccontextmanager
async def site(app: Stateless, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    secret, clock = generate(), time.time
    edges = NativeKeys(fixed(KeySet(secret).public(clock())), clock)
    with SQLiteStore(folder) as store:
        origin = create_app(store, edges, NativeKeys(fixed(generate()), clock), clock, secrets.token_bytes)
        transport = httpx2.ASGITransport(origin)
        monkeypatch.setattr(
            "edge.hosts.native.OriginTransport", lambda url: OriginTransport(url, transport=transport)
        )
        app.bind(host(Settings(origin="http://origin", keys=fixed(secret)), {}))
        yield Site(app, store)
        await app.host.close()


async def together(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls)


async def change(request: Request) -> Response:
    """Read, change, write: what an app does that has never heard of `increment`."""
    records = context(request).records
    found = await records.get("numbers", "one")
    number = (found.value["n"] if found else 0) + 1
    records.put("numbers", "one", {"n": number})
    return JSONResponse({"n": number}, 201)


async def begin(request: Request) -> Response:
    return Response(str(context(request).form_key()))


async def add(request: Request) -> Response:
    context(request).records.increment("numbers", "one", "n")
    return Response(status_code=201)


def counting() -> Stateless:
    routes = [
        Route("/", begin),
        Route("/change", change, methods=["POST"]),
        Route("/add", add, methods=["POST"]),
    ]
    return Stateless(Starlette(routes=routes), shared=["numbers"], conflict_timeout=600)


async def guests(world: Site, number: int) -> list[httpx2.AsyncClient]:
    people = [world.person() for _ in range(number)]
    for person in people:
        assert (await person.get("/")).status_code == 200
    return people


@pytest.mark.parametrize("known", [True, False])
async def test_forty_who_read_change_and_write_are_all_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    async with site(counting(), tmp_path, monkeypatch) as world:
        people = await guests(world, PEOPLE) if known else [world.person() for _ in range(PEOPLE)]
        for _ in range(3):
            answers = await together(*(person.post("/change") for person in people))
            assert Counter(answer.status_code for answer in answers) == {201: PEOPLE}
        found = await world.store.record("", RecordKey("shared", "numbers", "one"))
        assert found is not None
        assert found.value == {"n": 3 * PEOPLE}
        assert found.version == 3 * PEOPLE


async def test_increments_do_not_keep_those_who_read_and_write_from_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(counting(), tmp_path, monkeypatch) as world:
        people = await guests(world, PEOPLE)
        paths = ["/change", "/add", "/add", "/add"] * (PEOPLE // 4)
        answers = await together(
            *(person.post(path) for _ in range(5) for person, path in zip(people, paths, strict=True))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 5 * PEOPLE}
        found = await world.store.record("", RecordKey("shared", "numbers", "one"))
        assert found is not None
        assert found.value == {"n": 5 * PEOPLE}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Stateless:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from shop.app import app

    return app


async def test_forty_order_the_same_tea_at_once_twenty_times_over(
    shop: Stateless, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = json.loads((EXAMPLES / "shop/catalog/products.json").read_text("utf-8"))
    products[TEA]["stock"] = STOCK
    body = json.dumps({"collection": "products", "version": "1", "items": products}).encode()
    async with site(shop, tmp_path, monkeypatch) as world:
        await world.store.publish([Collection("products", "1", body)])
        people = await guests(world, PEOPLE)
        ends: Counter[str] = Counter()
        for _ in range(TIMES):
            for person in people:
                assert (await person.post("/cart", data={"sku": TEA, "quantity": "1"})).status_code == 303
            for answer in await together(*(person.post("/orders") for person in people)):
                if answer.status_code == 303:
                    ends["ordered"] += 1
                else:
                    assert answer.status_code == 409
                    assert "is sold out" in answer.text
                    assert "version-conflict" not in answer.headers.get("edgekit-problem", "")
                    ends["sold out"] += 1
        assert ends == {"ordered": STOCK, "sold out": PEOPLE * TIMES - STOCK}
        found = await world.store.record("", RecordKey("shared", "stock", TEA))
        assert found is not None
        assert found.value == {"change": -STOCK}
        lists = [await person.get("/orders", headers={"accept": "application/json"}) for person in people]
        assert sum(len(answer.json()["orders"]) for answer in lists) == STOCK
