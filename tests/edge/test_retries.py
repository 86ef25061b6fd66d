"""Handlers that run again: for a number at its floor, and as retries that meet their own effects."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from edge import Problem, Stateless, context
from edge.applied import COUNT
from edge.intake import LONGEST_WAIT
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


# A retry that meets another state of things than its first run


class Kiosk:
    """Sells what is in the cart, as long as it is open; most requests have keys of their own."""

    def __init__(self) -> None:
        self.open = True
        self.runs = 0
        routes = [Route("/orders", self.order, methods=["POST"]), Route("/cart", self.add, methods=["POST"])]
        self.client = Client(Stateless(Starlette(routes=routes)))
        self.client.post("/cart")
        self.key = {"idempotency-key": "a-key-of-one-order"}

    def lose(self, headers: dict[str, str]) -> None:
        """Send an order whose answer never arrives."""
        before = dict(self.client.cookies)
        assert self.client.post("/orders", headers=headers).status_code == 201
        self.client.cookies.clear()
        self.client.cookies.update(before)

    async def add(self, request: Request) -> Response:
        state = context(request).state
        state["cart"] = state.get("cart", 0) + 1
        return JSONResponse(state["cart"])

    async def order(self, request: Request) -> Response:
        ctx = context(request)
        self.runs += 1
        if not self.open:
            return JSONResponse("closed", 422)
        ctx.records.put("orders", ctx.new_id(), {"cart": ctx.state.pop("cart", 0)})
        return JSONResponse("sold", 201)

    def fill(self, times: int) -> None:
        for number in range(times):
            self.client.post("/cart", headers={"idempotency-key": f"{number:064x}"})

    @property
    def orders(self) -> int:
        return sum(key.collection == "orders" for _, key in self.client.origin.records)


@pytest.fixture
def kiosk() -> Kiosk:
    return Kiosk()


def test_closing_time_does_not_turn_away_who_was_served(kiosk: Kiosk) -> None:
    kiosk.lose(kiosk.key)
    kiosk.open = False
    again = kiosk.client.post("/orders", headers=kiosk.key)
    assert (again.status_code, again.json()) == (201, "sold")
    assert again.headers["idempotency-replayed"] == "true"
    other = kiosk.client.post("/orders", headers={"idempotency-key": "a-key-of-another-order"})
    assert (other.status_code, other.json()) == (422, "closed")
    assert kiosk.orders == 1


def test_streamed_refusal_gives_way_as_a_whole(kiosk: Kiosk) -> None:
    async def no(request: Request) -> Response:
        return StreamingResponse(iter(["no, ", "really"]), 403, {"x-no": "1"})

    kiosk.lose(kiosk.key)
    kiosk.client.app.app = Starlette(routes=[Route("/orders", no, methods=["POST"])])
    again = kiosk.client.post("/orders", headers=kiosk.key)
    assert (again.status_code, again.json(), "x-no" in again.headers) == (201, "sold", False)
    other = kiosk.client.post("/orders", headers={"idempotency-key": "a-key-of-another-order"})
    assert (other.status_code, other.text, other.headers["x-no"]) == (403, "no, really", "1")


def test_release_without_the_route_remembers_what_it_did(kiosk: Kiosk) -> None:
    kiosk.lose(kiosk.key)
    kiosk.client.app.app = Starlette()
    assert kiosk.client.post("/orders", headers=kiosk.key).status_code == 201
    assert kiosk.client.post("/orders").status_code == 404


def test_what_has_waited_too_long_is_told_what_became_of_it(kiosk: Kiosk) -> None:
    sent = {**kiosk.key, "edgekit-time": str(int(kiosk.client.now * 1000))}
    late = {**sent, "idempotency-key": "a-key-that-never-came"}
    kiosk.lose(sent)
    kiosk.client.now += LONGEST_WAIT + 1
    assert kiosk.client.post("/orders", headers=sent).status_code == 201
    assert kiosk.client.post("/orders", headers=late).json()["code"] == "idempotency-key-expired"
    assert (kiosk.runs, kiosk.orders) == (1, 1)


def test_going_back_to_an_old_form_does_not_bring_back_the_old_cart(kiosk: Kiosk) -> None:
    kiosk.client.post("/orders", headers=kiosk.key)
    kiosk.fill(COUNT + 1)  # so many that the view knows nothing of the order any more
    again = kiosk.client.post("/orders", headers=kiosk.key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert kiosk.client.post("/cart").json() == COUNT + 2
    assert kiosk.orders == 1


def test_answer_that_was_lost_brings_its_state_with_the_retry(kiosk: Kiosk) -> None:
    kiosk.lose(kiosk.key)
    kiosk.client.post("/orders", headers=kiosk.key)
    assert kiosk.client.post("/cart").json() == 1
    assert kiosk.orders == 1


def test_what_the_view_knows_as_applied_never_runs_again(kiosk: Kiosk) -> None:
    kiosk.client.post("/orders", headers=kiosk.key)
    kiosk.client.origin.outcomes.clear()  # pruned
    kiosk.fill(1)
    again = kiosk.client.post("/orders", headers=kiosk.key)
    assert (again.status_code, again.json()["code"]) == (410, "idempotency-key-expired")
    assert (kiosk.runs, kiosk.orders) == (1, 1)


def test_order_of_a_guest_is_not_made_again_once_the_guest_has_signed_in(kiosk: Kiosk) -> None:
    async def enter(request: Request) -> Response:
        context(request).sign_in("ann")
        return Response()

    kiosk.client.app.app.routes.append(Route("/enter", enter, methods=["POST"]))
    kiosk.client.post("/orders", headers=kiosk.key)
    kiosk.client.post("/enter")
    again = kiosk.client.post("/orders", headers=kiosk.key)
    assert (again.status_code, again.json()["code"]) == (410, "idempotency-key-expired")
    assert (kiosk.runs, kiosk.orders) == (1, 1)


async def step(request: Request) -> Response:
    """The first click notes, the next one orders."""
    ctx = context(request)
    if ctx.state.get("noted"):
        ctx.records.put("orders", "mine", {})
        return JSONResponse("ordered")
    ctx.state["noted"] = True
    return JSONResponse("noted")


def test_second_click_does_not_do_what_the_first_one_has_not_done() -> None:
    client = Client(Stateless(Starlette(routes=[Route("/", step, methods=["POST"])])))
    headers = {"idempotency-key": "a-key-of-a-click"}
    assert client.post("/", headers=headers).json() == "noted"
    again = client.post("/", headers=headers)
    assert (again.status_code, again.json()["code"]) == (410, "idempotency-key-expired")
    assert client.origin.records == {}
    assert client.post("/").json() == "ordered"
