"""The test client keeps its promises to those who test their apps with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.errors import Problem
from edge.testing import Client, MemoryOrigin
from edge.wire import (
    Commit,
    Read,
    RecordKey,
    StoredResponse,
    Write,
    decode_outcome,
    encode_commit,
)

KEY = "a-key-of-a-test-0001"
TEA = RecordKey("shared", "stock", "tea")


async def show(request: Request) -> Response:
    ctx = context(request)
    tea = await ctx.catalog.get("products", "tea")
    return JSONResponse({"now": ctx.now, "id": ctx.new_id(), "tea": tea, "host": ctx.host})


def app() -> Stateless:
    return Stateless(Starlette(routes=[Route("/", show)]))


def commit(origin: MemoryOrigin, made: Commit, key: str = KEY, subject: str = "ann") -> Any:
    headers = {"x-subject": subject, "idempotency-key": key}
    return asyncio.run(origin.fetch("POST", "/commit", headers, encode_commit(made)))


def read(origin: MemoryOrigin, target: str, subject: str = "ann") -> Any:
    return asyncio.run(origin.fetch("GET", target, {"x-subject": subject}, b""))


def writing(*writes: Write, reads: tuple[Read, ...] = (), mark: str = "0") -> Commit:
    return Commit(mark * 64, reads, writes, StoredResponse(200, (), b"done"))


def test_time_is_what_the_test_says() -> None:
    client = Client(app(), now=5.0)
    assert client.get("/").json()["now"] == 5.0
    client.now = 6.5
    assert client.get("/").json()["now"] == 6.5


def test_runs_repeat_exactly() -> None:
    assert Client(app()).get("/").json() == Client(app()).get("/").json()


def test_catalog_is_what_the_test_gives() -> None:
    assert Client(app(), {"products": {"tea": {"n": 1}}}).get("/").json()["tea"] == {"n": 1}
    assert Client(app()).get("/").json()["tea"] is None


# case N12
def test_two_clients_of_one_app_share_nothing() -> None:
    async def count(request: Request) -> Response:
        ctx = context(request)
        if request.method == "POST":
            ctx.records.increment("stock", "tea", "left")
            return Response()
        held = await ctx.records.get("stock", "tea")
        return JSONResponse([ctx.now, held and held.value])

    both = Stateless(Starlette(routes=[Route("/", count, methods=["GET", "POST"])]), shared=["stock"])
    one, two = Client(both, now=1e9), Client(both, now=2e9, host="edge")
    for client, times in ((one, 2), (two, 1), (one, 1)):
        for _ in range(times):
            client.post("/")
    assert one.get("/").json() == [1e9, {"left": 3}]
    assert two.get("/").json() == [2e9, {"left": 1}]
    assert two.get("/").headers["edgekit-host"] == "edge"
    assert (
        read(one.origin, "/records/shared/stock/tea").body == b'{"id":"tea","version":3,"value":{"left":3}}'
    )
    assert (
        read(two.origin, "/records/shared/stock/tea").body == b'{"id":"tea","version":1,"value":{"left":1}}'
    )


def test_host_can_be_named() -> None:
    assert Client(app(), host="edge").get("/").json()["host"] == "edge"


def test_client_asks_as_the_apps_own_pages_do() -> None:
    async def site(request: Request) -> Response:
        return JSONResponse(request.headers.get("sec-fetch-site"))

    client = Client(Stateless(Starlette(routes=[Route("/", site)])))
    assert client.get("/").json() == "same-origin"
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).json() == "cross-site"


def test_server_errors_are_answers_unless_asked_for() -> None:
    async def fail(request: Request) -> Response:
        raise ZeroDivisionError

    failing = Stateless(Starlette(routes=[Route("/", fail)]))
    assert Client(failing).get("/").status_code == 500


def test_memory_keeps_records_with_versions() -> None:
    origin = MemoryOrigin()
    commit(origin, writing(Write(TEA, {"left": 1})), "key-one-0000000001")
    commit(origin, writing(Write(TEA, {"left": 2})), "key-two-0000000001")
    assert read(origin, "/records/shared/stock/tea").body == b'{"id":"tea","version":2,"value":{"left":2}}'


def test_memory_forgets_what_is_deleted_but_not_its_version() -> None:
    origin = MemoryOrigin()
    for number, value in enumerate(({"left": 1}, None, {"left": 2})):
        commit(origin, writing(Write(TEA, value)), f"key-{number}-000000000001")
        assert read(origin, "/records/shared/stock/tea").status == (404 if value is None else 200)
    assert b'"version":3' in read(origin, "/records/shared/stock/tea").body


def test_memory_replays_an_outcome_and_refuses_another_request() -> None:
    origin = MemoryOrigin()
    first = decode_outcome(commit(origin, writing(Write(TEA, {"left": 1}))).body)
    second = decode_outcome(commit(origin, writing(Write(TEA, {"left": 1}))).body)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.response == second.response
    assert commit(origin, writing(mark="1")).status == 422
    assert decode_outcome(read(origin, f"/commit/{KEY}").body).replayed
    assert read(origin, f"/commit/{KEY}", subject="bob").status == 404


def test_memory_refuses_stale_reads_before_it_writes_anything() -> None:
    origin = MemoryOrigin()
    commit(origin, writing(Write(TEA, {"left": 1})), "key-one-0000000001")
    other = RecordKey("user", "orders", "one")
    for version in (0, 2):
        reply = commit(origin, writing(Write(other, {}), reads=(Read(TEA, version),)))
        assert reply.status == 409
    assert read(origin, "/records/user/orders/one").status == 404
    assert commit(origin, writing(Write(other, {}), reads=(Read(TEA, 1), Read(other, 0)))).status == 200


def test_memory_keeps_users_apart() -> None:
    origin = MemoryOrigin()
    commit(origin, writing(Write(RecordKey("user", "orders", "one"), {})), subject="ann")
    assert read(origin, "/records/user/orders/one", subject="ann").status == 200
    assert read(origin, "/records/user/orders/one", subject="bob").status == 404
    assert read(origin, "/records/user/orders?limit=9", subject="bob").body == b'{"items":[],"next":null}'


def test_memory_can_be_away() -> None:
    origin = MemoryOrigin({"products": {}})
    origin.available = False
    for call in (
        origin.public_fetch("/catalog/products", None),
        origin.fetch("GET", "/records/user/a/b", {"x-subject": "ann"}, b""),
    ):
        with pytest.raises(Problem, match="origin-unavailable"):
            asyncio.run(call)
