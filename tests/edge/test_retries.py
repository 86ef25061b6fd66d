"""Handlers that run again: for a number at its floor, and as retries that meet their own effects."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Problem, Stateless, context
from edge.testing import Client
from edge.wire import RecordKey

runs: list[bool] = []


async def buy(request: Request) -> Response:
    records = context(request).records
    got = records.increment("stock", "tea", "left", -2, floor=0)
    runs.append(got)
    if not got:
        return JSONResponse({"sold": False}, 409)
    records.increment("stock", "tea", "sold", 2)
    records.put("orders", "mine", {"packs": 2})
    return JSONResponse({"sold": True})


async def clash(request: Request) -> Response:
    records = context(request).records
    records.put("stock", "tea", {})
    records.increment("stock", "tea", "left")
    return Response()


@pytest.fixture
def client() -> Client:
    runs.clear()
    routes = [Route("/", buy, methods=["POST", "GET"]), Route("/clash", clash, methods=["POST"])]
    client = Client(Stateless(Starlette(routes=routes), shared=["stock"]))
    client.origin.records["", RecordKey("shared", "stock", "tea")] = (1, {"left": 3})
    return client


def stock(client: Client) -> dict:
    return client.origin.records["", RecordKey("shared", "stock", "tea")][1]


def test_the_last_packs_are_sold_once(client: Client) -> None:
    assert client.post("/").json() == {"sold": True}
    assert client.post("/").json() == {"sold": False}
    assert stock(client) == {"left": 1, "sold": 2}
    assert runs == [True, True, False]


def test_a_refusal_for_want_of_stock_is_an_outcome(client: Client) -> None:
    client.post("/")
    headers = {"idempotency-key": "the-key-of-a-refusal"}
    first = client.post("/", headers=headers)
    stock(client)["left"] = 10
    again = client.post("/", headers=headers)
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.headers["idempotency-replayed"] == "true"


def test_safe_requests_count_nothing(client: Client) -> None:
    assert client.get("/").json()["code"] == "write-in-safe-request"


def test_a_record_is_written_or_counted_not_both(client: Client) -> None:
    assert client.post("/clash").status_code == 500
    assert stock(client) == {"left": 3}


async def once(request: Request) -> Response:
    """Fails on what its own first run has left behind, as a client sees it that never got the answer."""
    records = context(request).records
    record = await records.get("orders", "only")
    how = request.query_params["how"]
    if record is not None and how == "raise":
        raise RuntimeError("it is there")
    if record is not None and how == "problem":
        raise Problem("precondition-failed")
    if record is not None and how == "503":
        return Response(status_code=503)
    records.put("orders", "only", {})
    return JSONResponse({"made": True}, 201)


@pytest.mark.parametrize("how", ["raise", "problem", "503"])
def test_a_retry_that_fails_on_its_own_effect_gets_the_first_answer(how: str) -> None:
    client = Client(Stateless(Starlette(routes=[Route("/", once, methods=["POST"])])))
    client.post("/?how=none")  # the guest, so that the retry is the same user's
    client.origin.records.clear()
    headers = {"idempotency-key": "a-key-of-one-order"}
    first = client.post(f"/?how={how}", headers=headers)
    again = client.post(f"/?how={how}", headers=headers)
    other = client.post(f"/?how={how}", headers={"idempotency-key": "a-key-of-another-order"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code in (412, 500, 503)
    assert client.post(f"/?how={how}&more", headers=headers).json()["code"] == "key-reused"


async def fill(request: Request) -> Response:
    """Takes what there is of many things, and says what that was."""
    records = context(request).records
    things = [f"thing-{number}" for number in range(int(request.query_params["things"]))]
    got = [name for name in things if records.increment("stock", name, "left", -1, floor=0)]
    runs.append(True)
    return JSONResponse(got)


async def seek(request: Request) -> Response:
    """Tries one shelf after the other."""
    records = context(request).records
    runs.append(True)
    for number in range(int(request.query_params["shelves"])):
        if records.increment("stock", f"shelf-{number}", "left", -1, floor=0):
            return JSONResponse(number)
    return JSONResponse(None, 409)


async def deaf(request: Request) -> Response:
    """Does not listen, and spells the same number in a new way each time."""
    runs.append(True)
    context(request).records.increment("stock", "tea", f"left-{len(runs)}", -1, floor=0)
    return Response()


@pytest.fixture
def shelves() -> Client:
    runs.clear()
    routes = [Route(f"/{one.__name__}", one, methods=["POST"]) for one in (fill, seek, deaf)]
    return Client(Stateless(Starlette(routes=routes), shared=["stock"]))


def test_many_sold_out_numbers_are_one_more_run(shelves: Client) -> None:
    shelves.origin.records["", RecordKey("shared", "stock", "thing-3")] = (1, {"left": 1})
    answer = shelves.post("/fill?things=9")
    assert (answer.status_code, answer.json()) == (200, ["thing-3"])
    assert len(runs) == 2


def test_runs_that_learn_of_a_floor_are_no_conflicts(shelves: Client) -> None:
    answer = shelves.post("/seek?shelves=20", headers={"idempotency-key": "a-key-of-a-search"})
    assert (answer.status_code, answer.json()) == (409, None)
    assert len(runs) == 21
    shelves.origin.records["", RecordKey("shared", "stock", "shelf-19")] = (1, {"left": 1})
    assert shelves.post("/seek?shelves=20").json() == 19


def test_runs_for_want_of_stock_come_to_an_end(shelves: Client) -> None:
    assert shelves.post("/deaf").json()["code"] == "floor-reached"
    assert len(runs) == 32
