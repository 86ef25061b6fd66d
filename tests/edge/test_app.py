"""`Stateless` as a whole, over an origin in memory: what users of an app can rely on."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from edge import NeedsEdge, Problem, Stateless, context
from edge.testing import Client
from edge.tokens import VIEW_LIFE
from edge.wire import RESPONSE_LIMIT, RecordKey

KEY = "a-key-of-a-test-0001"
NAVIGATION = {"sec-fetch-dest": "document", "accept": "text/html"}
Handler = Callable[[Request], Any]


def serve(*handlers: tuple[str, Handler], middleware: Any = (), **options: Any) -> Client:
    """A client of an app with one route for each ("METHOD /path", handler)."""
    routes = []
    for name, handler in handlers:
        method, path = name.split()
        routes.append(Route(path, handler, methods=[method]))
    app, development = Starlette(routes=routes, middleware=middleware), options.pop("development", False)
    made = Stateless(app, shared=["stock"], **options)
    return Client(made, follow_redirects=False, development=development)


def keyed(key: str = KEY, **headers: str) -> dict[str, str]:
    return {"idempotency-key": key, **headers}


def stock(client: Client, name: str = "tea") -> tuple[int, dict[str, Any] | None]:
    return client.origin.records[("", RecordKey("shared", "stock", name))]


def set_stock(client: Client, left: int) -> None:
    place = ("", RecordKey("shared", "stock", "tea"))
    version, _ = client.origin.records.get(place, (0, None))
    client.origin.records[place] = (version + 1, {"left": left})


def form_key(client: Client, path: str = "/") -> str:
    """The hidden field of the form on that page."""
    found = re.search(r'name="_key" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def cookie(values: Mapping[str, str]) -> str:
    """A Cookie header."""
    return "; ".join(f"{name}={value}" for name, value in values.items())


# Handlers


async def show(request: Request) -> Response:
    ctx = context(request)
    return HTMLResponse(f"<body><p>{ctx.state.get('cups', 0)} cups</p><form>{ctx.form_key()}</form></body>")


async def add(request: Request) -> Response:
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    return RedirectResponse("/", 303)


async def state(request: Request) -> Response:
    return JSONResponse(dict(context(request).state))


async def buy(request: Request) -> Response:
    """One pack less, one order more, and the state says so: three effects that belong together."""
    ctx = context(request)
    record = await ctx.records.get("stock", "tea")
    left = record.value["left"] if record else 3
    if left == 0:
        return JSONResponse({"error": "sold out"}, 409)
    ctx.records.put("stock", "tea", {"left": left - 1})
    order = ctx.new_id()
    ctx.records.put("orders", order, {"at": ctx.now})
    ctx.state["orders"] = ctx.state.get("orders", 0) + 1
    return JSONResponse({"order": order}, 201)


SHOP = (("GET /", show), ("POST /", add), ("GET /state", state), ("POST /buy", buy))


@pytest.fixture
def shop() -> Client:
    return serve(*SHOP)


# State


def test_state_comes_back_with_the_cookie(shop: Client) -> None:
    assert shop.get("/state").json() == {}
    shop.post("/")
    shop.post("/")
    assert shop.get("/state").json() == {"cups": 2}


def test_state_belongs_to_one_client(shop: Client) -> None:
    shop.post("/")
    shop.cookies.clear()
    assert shop.get("/state").json() == {}


def test_request_session_is_the_same_state() -> None:
    async def remember(request: Request) -> Response:
        request.session["name"] = "Ann"
        return Response()

    client = serve(("POST /", remember), ("GET /state", state))
    client.post("/")
    assert client.get("/state").json() == {"name": "Ann"}


def test_state_may_change_in_a_safe_request_too() -> None:
    async def count(request: Request) -> Response:
        request.session["visits"] = request.session.get("visits", 0) + 1
        return Response()

    client = serve(("GET /", count), ("GET /state", state))
    client.get("/")
    assert client.get("/state").json() == {"visits": 1}


def test_unchanged_state_sets_no_cookie(shop: Client) -> None:
    shop.post("/")
    assert "set-cookie" not in shop.get("/state").headers


@pytest.mark.parametrize(
    "change", [lambda t: t[:-4] + "AAAA", lambda t: "x", lambda t: t[::-1], lambda t: ""]
)
@pytest.mark.parametrize("which", ["edgekit-view", "edgekit-session"])
def test_tampered_cookie_is_an_empty_state(shop: Client, change: Callable[[str], str], which: str) -> None:
    shop.post("/")
    good = dict(shop.cookies)
    shop.cookies.clear()
    bad = {**good, which: change(good[which])}
    answer = shop.get("/state", headers={"cookie": cookie(bad)})
    assert (answer.status_code, answer.json()) == (200, {})
    assert shop.get("/state", headers={"cookie": cookie(good)}).json() == {"cups": 1}


async def grow(request: Request) -> Response:
    request.session.update(essay="x" * 3000, small=1)
    return Response()


def test_oversize_state_names_the_largest_keys_and_keeps_nothing() -> None:
    client = serve(("POST /", grow), ("GET /state", state), development=True)
    answer = client.post("/")
    assert answer.json()["code"] == "state-too-large"
    assert "essay (3002 bytes)" in answer.json()["detail"]
    assert "essay (3002 bytes)" in client.post("/", headers={"accept": "text/html"}).text
    assert client.get("/state").json() == {}


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_words_for_developers_do_not_reach_customers(accept: str, caplog: Any) -> None:  # case N11
    answer = serve(("POST /", grow)).post("/", headers={"accept": accept})
    assert answer.status_code == 500
    for word in ("essay", "3002", "ctx.records"):
        assert word not in answer.text
    assert answer.headers["edgekit-problem"] == "state-too-large"
    assert "essay (3002 bytes)" in caplog.text


async def store_much(request: Request) -> Response:
    context(request).records.put("stock", "tea", {"x": "y" * 70_000})
    return Response()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_is_too_large_to_be_kept_is_logged_by_its_name(accept: str, caplog: Any) -> None:  # N3, N11
    answer = serve(("POST /", store_much)).post("/", headers={"accept": accept})
    assert (answer.status_code, answer.headers["edgekit-problem"]) == (413, "record-too-large")
    assert "stock" not in answer.text
    assert "65536" not in answer.text
    assert "stock/tea is over 65536 bytes" in caplog.text
    kind = "That is too large" if accept == "text/html" else "A record is too large"
    assert kind in answer.text


def test_apps_own_words_stand_on_the_page_and_in_the_document() -> None:  # case N11
    async def refuse(_request: Request) -> Response:
        raise Problem("precondition-failed", "Bob has the pen.")

    client = serve(("POST /", refuse))
    assert "Bob has the pen." in client.post("/", headers={"accept": "text/html"}).text
    assert client.post("/").json()["detail"] == "Bob has the pen."


def test_a_body_that_fits_is_stored_however_it_is_split(caplog: Any) -> None:  # case N3
    """1.6 MB and `max_body=3_000_000`: nothing else stands in the way than limits an app can count itself."""

    async def keep(request: Request) -> Response:
        body = (await request.body()).decode()
        for number in range(0, len(body), 60_000):
            context(request).records.put("stock", f"part-{number}", {"data": body[number : number + 60_000]})
        return Response(status_code=201)

    client = serve(("POST /", keep), max_body=20_000_000)
    assert client.post("/", content=b"x" * 2_133_334).status_code == 201
    assert client.post("/", content=b"x" * 15_000_000).status_code == 201
    assert client.post("/", content=b"x" * 15_400_000).status_code == 413
    assert "one request writes at most 256 records" in caplog.text


def test_who_writes_reads_a_bounded_number_of_records(caplog: Any) -> None:  # case N3
    async def read(request: Request) -> Response:
        for number in range(257):
            await context(request).records.get("stock", f"tea-{number}")
        return Response()

    client = serve(("POST /", read), ("GET /", read))
    assert client.get("/").status_code == 200
    answer = client.post("/")
    assert (answer.status_code, answer.json()["code"]) == (413, "commit-too-large")
    assert "reads at most 256 records" in caplog.text


def test_a_user_who_only_reads_keeps_the_view(shop: Client) -> None:
    shop.post("/")
    for _ in range(4):
        shop.now += VIEW_LIFE * 0.6
        assert shop.get("/state").json() == {"cups": 1}
    shop.now += VIEW_LIFE + 60
    assert shop.get("/state").json() == {}


def test_a_view_is_renewed_in_its_second_half_only(shop: Client) -> None:
    shop.post("/")
    shop.now += VIEW_LIFE * 0.4
    assert "edgekit-view" not in shop.get("/state").headers
    shop.now += VIEW_LIFE * 0.2
    assert shop.get("/state").headers["edgekit-view"] == "changed"


# Caches


def test_answers_are_private_unless_the_app_says_otherwise() -> None:
    async def public(request: Request) -> Response:
        return PlainTextResponse("same for all", headers={"cache-control": "public, max-age=60"})

    client = serve(("GET /", show), ("GET /state", state), ("GET /public", public))
    assert client.get("/state").headers["cache-control"] == "private, no-cache"
    assert client.get("/").headers["cache-control"] == "private, no-cache"
    assert client.get("/public").headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("public, max-age=60", "private, no-cache"),
        ("max-age=60", "private, no-cache"),
        ("no-store", "no-store"),
        ("private, max-age=5", "private, max-age=5"),
    ],
)
def test_no_shared_cache_may_keep_an_answer_with_a_view(said: str, sent: str) -> None:
    async def change(request: Request) -> Response:
        request.session["a"] = 1
        return Response(headers={"cache-control": said})

    answer = serve(("GET /", change)).get("/")
    assert "set-cookie" in answer.headers
    assert answer.headers["cache-control"] == sent


def test_a_public_answer_does_not_renew_the_view() -> None:
    async def public(request: Request) -> Response:
        return Response(headers={"cache-control": "public, max-age=60"})

    client = serve(("POST /", add), ("GET /public", public))
    client.post("/")
    client.now += VIEW_LIFE * 0.6
    answer = client.get("/public")
    assert "set-cookie" not in answer.headers
    assert "edgekit-view" not in answer.headers


# Sending it twice, without records


def test_double_submit_counts_once_whether_the_first_answer_arrived_or_not(shop: Client) -> None:
    key = form_key(shop)
    before = dict(shop.cookies)
    for _ in range(2):
        assert shop.post("/", data={"_key": key}).status_code == 303
    assert shop.get("/state").json() == {"cups": 1}
    shop.cookies.clear()
    shop.cookies.update(before)
    assert shop.post("/", data={"_key": key}).status_code == 303
    assert shop.get("/state").json() == {"cups": 1}


def test_double_submit_needs_no_origin_as_long_as_there_are_no_records(shop: Client) -> None:
    shop.origin.available = False
    for _ in range(2):
        assert shop.post("/", headers=keyed()).status_code == 303
    assert shop.get("/state").json() == {"cups": 1}


def test_different_keys_and_no_keys_count_each_time(shop: Client) -> None:
    for headers in (keyed("another-key-00000001"), keyed("another-key-00000002"), {}, {}):
        shop.post("/", headers=headers)
    assert shop.get("/state").json() == {"cups": 4}


def test_form_that_was_changed_and_sent_again_is_another_request(shop: Client) -> None:
    key = form_key(shop)
    shop.post("/", data={"_key": key, "sku": "tea"})
    shop.post("/", data={"_key": key, "sku": "coffee"})
    assert shop.get("/state").json() == {"cups": 2}


def test_write_that_another_site_sends_in_the_users_name_is_refused(shop: Client) -> None:
    key = form_key(shop)
    shop.post("/", data={"_key": key})
    for headers in ({"sec-fetch-site": "same-site"}, keyed(**{"sec-fetch-site": "cross-site"})):
        for data in ({}, {"_key": key}):
            answer = shop.post("/", headers=headers, data=data)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert shop.get("/state").json() == {"cups": 1}


def test_form_without_its_hidden_field_needs_the_word_of_a_browser_once_there_is_a_user(shop: Client) -> None:
    del shop.headers["sec-fetch-site"]
    assert shop.post("/").status_code == 303  # nobody yet: there is nobody in whose name it could be
    answer = shop.post("/")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert shop.post("/", headers={"origin": "http://testserver"}).status_code == 303
    assert shop.get("/state").json() == {"cups": 2}


def test_form_of_an_earlier_guest_is_refused(shop: Client) -> None:
    key = form_key(shop)
    shop.cookies.clear()
    shop.post("/")
    answer = shop.post("/", data={"_key": key})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert shop.get("/state").json() == {"cups": 1}


def test_key_reused_for_another_request_is_422_also_without_records(shop: Client) -> None:
    shop.post("/", headers={"idempotency-key": KEY}, data={"sku": "tea"})
    answer = shop.post("/", headers={"idempotency-key": KEY}, data={"sku": "coffee"})
    assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    assert shop.get("/state").json() == {"cups": 1}


def test_multipart_form_sent_twice_is_the_same_request() -> None:
    def form(boundary: str) -> tuple[bytes, dict[str, str]]:
        field = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{boundary}--\r\n'
        return field.encode(), keyed(**{"content-type": f"multipart/form-data; boundary={boundary}"})

    client = serve(*SHOP)
    orders = set()
    for boundary in ("----WebKitFormBoundaryOne", "----WebKitFormBoundaryTwo"):
        body, headers = form(boundary)
        answer = client.post("/buy", content=body, headers=headers)
        assert answer.status_code == 201
        orders.add(answer.json()["order"])
    assert len(orders) == 1


# Sending it twice, with records


def test_double_submit_commits_once_and_replays_the_answer(shop: Client) -> None:
    first = shop.post("/buy", headers=keyed())
    second = shop.post("/buy", headers=keyed())
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert stock(shop) == (1, {"left": 2})
    assert shop.get("/state").json() == {"orders": 1}


def test_retry_after_a_lost_answer_gets_state_and_answer(shop: Client) -> None:
    shop.post("/")  # now there is a user
    before = dict(shop.cookies)
    first = shop.post("/buy", headers=keyed())
    shop.cookies.clear()
    shop.cookies.update(before)
    second = shop.post("/buy", headers=keyed())
    assert second.headers["idempotency-replayed"] == "true"
    assert first.content == second.content
    assert stock(shop) == (1, {"left": 2})
    assert shop.get("/state").json() == {"cups": 1, "orders": 1}


def test_retry_of_a_commit_says_so_when_the_origin_is_away(shop: Client) -> None:
    shop.post("/buy", headers=keyed())
    shop.origin.available = False
    answer = shop.post("/buy", headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (503, "origin-unavailable")


def test_late_retry_does_not_turn_the_state_back(shop: Client) -> None:
    shop.post("/buy", headers=keyed())
    shop.post("/")
    assert shop.post("/buy", headers=keyed()).headers["idempotency-replayed"] == "true"
    assert shop.get("/state").json() == {"orders": 1, "cups": 1}


def test_retry_is_answered_as_before_although_the_state_it_needed_is_used_up() -> None:
    async def order(request: Request) -> Response:
        if not request.session.get("cups"):
            return JSONResponse({"error": "the cart is empty"}, 409)
        del request.session["cups"]
        return await buy(request)

    client = serve(*SHOP[:3], ("POST /order", order))
    client.post("/")
    first, second = (client.post("/order", headers=keyed()) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content


@pytest.mark.parametrize("arrived", [True, False])
def test_key_reused_with_another_body_is_422(shop: Client, arrived: bool) -> None:
    shop.post("/")
    before = dict(shop.cookies)
    shop.post("/buy", content=b"one", headers=keyed())
    if not arrived:
        shop.cookies.clear()
        shop.cookies.update(before)
    answer = shop.post("/buy", content=b"two", headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    assert stock(shop) == (1, {"left": 2})


def test_keys_of_two_users_never_meet(shop: Client) -> None:
    shop.post("/buy", headers=keyed())
    shop.cookies.clear()
    shop.post("/")  # somebody else
    answer = shop.post("/buy", headers=keyed())
    assert "idempotency-replayed" not in answer.headers
    assert stock(shop) == (2, {"left": 1})


def test_without_a_key_each_request_counts(shop: Client) -> None:
    shop.post("/buy")
    shop.post("/buy")
    assert stock(shop) == (2, {"left": 1})


def test_malformed_key_is_refused_before_the_app_runs(shop: Client) -> None:
    answer = shop.post("/", headers=keyed("short"))
    assert answer.json()["code"] == "malformed-key"
    assert shop.get("/state").json() == {}


# All or nothing


def test_all_or_nothing_when_the_handler_fails_after_writing() -> None:
    async def fail(request: Request) -> Response:
        await buy(request)
        raise ZeroDivisionError("this text stays inside")

    client = serve(("POST /", fail), ("GET /state", state))
    answer = client.post("/", headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert "stays inside" not in answer.text
    assert client.origin.records == {}
    assert client.origin.outcomes == {}
    assert client.get("/state").json() == {}


@pytest.mark.parametrize("status", [400, 401, 403, 408, 413, 428, 429, 500, 502, 503])
@pytest.mark.parametrize("with_records", [True, False])
def test_what_is_not_final_has_no_effect_and_may_be_tried_again(status: int, with_records: bool) -> None:
    verdicts = [status, 201]

    async def fickle(request: Request) -> Response:
        request.session["tries"] = request.session.get("tries", 0) + 1
        if with_records:
            context(request).records.put("stock", "tea", {"left": 1})
        return JSONResponse({}, verdicts.pop(0))

    client = serve(("POST /", fickle), ("GET /state", state))
    first = client.post("/", headers=keyed())
    assert first.status_code == status
    assert client.origin.records == {}
    assert client.get("/state").json() == {}
    second = client.post("/", headers=keyed())
    assert second.status_code == 201
    assert client.get("/state").json() == {"tries": 1}
    assert bool(client.origin.records) is with_records


@pytest.mark.parametrize("status", [404, 409, 410, 412, 422])
def test_refusal_by_the_apps_own_rules_is_stored_and_replayed_but_writes_nothing(status: int) -> None:
    runs = []

    async def refuse(request: Request) -> Response:
        runs.append(1)
        context(request).records.put("stock", "tea", {"left": 0})
        return JSONResponse({"run": len(runs)}, status)

    client = serve(("GET /", show), ("POST /", refuse))
    client.get("/")
    first, second = (client.post("/", headers=keyed()) for _ in range(2))
    assert (first.status_code, second.status_code) == (status, status)
    assert first.content == second.content == b'{"run":1}'
    assert second.headers["idempotency-replayed"] == "true"
    assert client.origin.records == {}


def test_raised_refusal_of_the_framework_is_stored_like_a_returned_one() -> None:
    async def refuse(request: Request) -> Response:
        await context(request).records.get("stock", "tea")
        raise HTTPException(409, "sold out")

    client = serve(("POST /", refuse))
    client.post("/", headers=keyed())
    assert [outcome.response.status for _, outcome in client.origin.outcomes.values()] == [409]


def test_problem_raised_by_a_handler_is_answered_and_not_stored() -> None:
    async def refuse(request: Request) -> Response:
        context(request).records.put("stock", "tea", {"left": 0})
        raise Problem("forbidden", "not for you", hint=7)

    client = serve(("POST /", refuse))
    answer = client.post("/", headers=keyed())
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["detail"], answer.json()["hint"]) == ("not for you", 7)
    assert client.origin.outcomes == client.origin.records == {}


def test_origin_that_is_away_is_a_503_and_nothing_has_happened(shop: Client) -> None:
    shop.origin.available = False
    answer = shop.post("/buy", headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (503, "origin-unavailable")
    shop.origin.available = True
    assert shop.post("/buy", headers=keyed()).status_code == 201
    assert stock(shop) == (1, {"left": 2})


@pytest.mark.parametrize("parts", [1, 3])
def test_answer_too_large_to_be_remembered_is_refused_as_such(parts: int) -> None:
    async def large(request: Request) -> Response:
        context(request).records.put("stock", "tea", {})

        async def body() -> AsyncIterator[bytes]:
            for _ in range(parts):
                yield b"x" * (RESPONSE_LIMIT // parts + 1)

        if parts == 1:
            return Response(b"x" * (RESPONSE_LIMIT + 1))
        return StreamingResponse(body())

    client = serve(("POST /", large))
    answer = client.post("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "response-too-large")
    assert client.origin.records == {}


# Conflicts


def test_conflict_runs_the_handler_again_on_fresh_reads() -> None:
    seen = []

    async def sell(request: Request) -> Response:
        record = await context(request).records.get("stock", "tea")
        assert record is not None
        seen.append(record.value["left"])
        if len(seen) == 1:
            set_stock(client, 7)  # somebody else was faster
        return await buy(request)

    client = serve(("POST /", sell))
    set_stock(client, 3)
    assert client.post("/", headers=keyed()).status_code == 201
    assert seen == [3, 7]
    assert stock(client) == (3, {"left": 6})


def test_conflict_keeps_the_last_pack_from_being_sold_twice() -> None:
    runs = []

    async def sell(request: Request) -> Response:
        answer = await buy(request)
        runs.append(answer.status_code)
        if len(runs) == 1:
            set_stock(client, 0)
        return answer

    client = serve(("POST /", sell))
    set_stock(client, 1)
    assert client.post("/").status_code == 409
    assert runs == [201, 409]
    assert stock(client)[1] == {"left": 0}


def test_record_made_meanwhile_conflicts_with_one_that_was_absent() -> None:
    runs = []

    async def create(request: Request) -> Response:
        ctx = context(request)
        found = await ctx.records.get("stock", "tea")
        runs.append(found)
        if found is None:
            set_stock(client, 1)
        ctx.records.put("stock", "tea", {"left": 9})
        return Response()

    client = serve(("POST /", create))
    assert client.post("/").status_code == 200
    assert len(runs) == 2
    assert stock(client) == (2, {"left": 9})


@pytest.mark.parametrize("wrapped", [False, True])
def test_attempts_are_bounded_by_time_and_then_it_is_a_later_try(wrapped: bool) -> None:  # case C1
    runs = []

    async def unlucky(request: Request) -> Response:
        runs.append(1)
        answer = await buy(request)
        set_stock(client, 5 + len(runs))
        return answer

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=pass_on)] if wrapped else []
    client = serve(("POST /", unlucky), middleware=middleware, conflict_timeout=0.1)
    set_stock(client, 5)
    answer = client.post("/", headers=keyed())
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.json()["retryable"] is True
    assert int(answer.headers["retry-after"]) > 0
    assert not {"stock", "shared", "tea", "version"} & set(re.findall(r"\w+", answer.text))  # case T12
    assert len(runs) > 4
    assert client.origin.outcomes == {}


def test_each_run_starts_with_the_same_body_state_and_ids() -> None:
    runs = []

    async def sell(request: Request) -> Response:
        ctx = context(request)
        leftover = getattr(request.state, "mark", None)
        request.state.mark = "from an earlier run"
        runs.append((await request.body(), dict(ctx.state), ctx.new_id(), leftover))
        ctx.state["ran"] = True
        await ctx.records.get("stock", "tea")
        if len(runs) == 1:
            set_stock(client, 1)
        return Response()

    client = serve(("POST /", sell))
    client.post("/", content=b"body", headers=keyed())
    assert len(runs) == 2
    assert runs[0] == runs[1]


def test_a_conflict_that_an_app_reports_after_its_start_is_not_run_again(call: Any) -> None:
    runs = []

    async def stream(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            runs.append(1)
            yield b"one"
            raise Problem("version-conflict")

        return StreamingResponse(parts())

    with pytest.raises(Problem, match="version-conflict"):
        call(serve(("POST /", stream)).app, "POST")
    assert runs == [1]


async def pass_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


# Background work and streams


@pytest.mark.parametrize("wrapped", [False, True])
def test_background_work_runs_once_and_only_after_the_commit(wrapped: bool) -> None:
    runs, mails = [], []

    async def sell(request: Request) -> Response:
        runs.append(1)
        answer = await buy(request)
        if len(runs) == 1:
            set_stock(client, 5)
        answer.background = BackgroundTask(lambda: mails.append(dict(client.origin.records)))
        return answer

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=pass_on)] if wrapped else []
    client = serve(("POST /", sell), middleware=middleware)
    client.post("/")
    assert len(runs) == 2
    (mail,) = mails
    assert mail[("", RecordKey("shared", "stock", "tea"))] == (2, {"left": 4})


def test_background_work_cannot_write_what_would_be_lost(caplog: pytest.LogCaptureFixture) -> None:
    async def sell(request: Request) -> Response:
        answer = await buy(request)
        late = context(request).records
        answer.background = BackgroundTask(late.put, "stock", "late", {})
        return answer

    client = serve(("POST /", sell))
    assert client.post("/").status_code == 201
    assert "write-after-response" in caplog.text


def test_safe_answer_streams_part_by_part(call: Any) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def stream(request: Request) -> Response:
        await context(request).records.get("stock", "tea")
        return StreamingResponse(parts())

    heard = call(serve(("GET /", stream)).app)
    assert heard.parts == [(b"one", True), (b"two", True), (b"", False)]


def test_safe_answer_of_any_size_may_follow_from_records() -> None:
    async def large(request: Request) -> Response:
        await context(request).records.list("orders")
        return Response(b"x" * (RESPONSE_LIMIT + 1))

    client = serve(("GET /", large), middleware=[Middleware(BaseHTTPMiddleware, dispatch=pass_on)])
    assert len(client.get("/").content) == RESPONSE_LIMIT + 1


def test_unsafe_answer_without_records_streams_and_keeps_its_state(call: Any) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def stream(request: Request) -> Response:
        request.session["a"] = 1
        return StreamingResponse(parts())

    heard = call(serve(("POST /", stream)).app, "POST")
    assert heard.parts == [(b"one", True), (b"two", True), (b"", False)]
    assert "edgekit-view=" in heard.header("set-cookie")


def test_answer_to_a_commit_is_held_until_it_is_complete(call: Any) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def stream(request: Request) -> Response:
        context(request).records.put("stock", "tea", {})
        return StreamingResponse(parts())

    client = serve(("POST /", stream))
    assert call(client.app, "POST").parts == [(b"onetwo", False)]
    assert stock(client) == (1, {})


def test_record_written_after_the_response_started_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def stream(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            context(request).records.put("stock", "tea", {})

        return StreamingResponse(parts())

    client = serve(("POST /", stream))
    client.post("/")
    assert "write-after-response" in caplog.text
    assert client.origin.records == {}


def test_failure_after_the_start_is_passed_to_the_server(call: Any) -> None:
    async def stream(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise ZeroDivisionError

        return StreamingResponse(parts())

    with pytest.raises(ZeroDivisionError):
        call(serve(("GET /", stream)).app)


# Writing where one only reads


def test_write_in_a_safe_request_is_a_problem() -> None:
    async def write(request: Request) -> Response:
        context(request).records.put("stock", "tea", {})
        return Response()

    client = serve(("GET /", write))
    answer = client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "write-in-safe-request")
    assert client.origin.records == {}


def test_needs_edge_outside_the_browser_is_a_503() -> None:
    async def secret(request: Request) -> Response:
        raise NeedsEdge("a secret")

    answer = serve(("GET /", secret)).get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "needs-edge")
    assert "a secret" in answer.json()["detail"]


# Every answer


def test_every_answer_says_who_gave_it_and_how_long_it_took(shop: Client) -> None:
    answers = [
        shop.get("/"),
        shop.head("/"),
        shop.post("/buy", headers=keyed()),
        shop.post("/buy", headers=keyed()),
        shop.get("/nothing"),
        shop.request("PROPFIND", "/"),
        shop.get("/_edge/health"),
        shop.get("/_edge/nothing"),
        shop.post("/_edge/health"),
        shop.post("/", headers=keyed("short")),
    ]
    for answer in answers:
        assert answer.headers["edgekit-host"] == "native"
        timing = r'edgekit;desc="native";dur=\d+\.\d\d(, edgekit-user;desc="(guest-\S{16})?")?'
        assert re.fullmatch(timing, answer.headers["server-timing"])


def test_head_has_the_headers_of_get_and_no_body(shop: Client) -> None:
    get, head = shop.get("/state"), shop.head("/state")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_problems_are_pages_for_people_and_documents_for_programs(shop: Client) -> None:
    page = shop.post("/", headers=keyed("short", accept="text/html,*/*;q=0.8"))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert shop.post("/", headers=keyed("short")).headers["content-type"] == "application/problem+json"


def test_problems_are_not_kept_by_caches(shop: Client) -> None:
    assert shop.post("/", headers=keyed("short")).headers["cache-control"] == "no-store"


def test_used_catalog_versions_are_named() -> None:
    async def tea(request: Request) -> Response:
        return JSONResponse(await context(request).catalog.get("products", "tea"))

    app = Stateless(Starlette(routes=[Route("/", tea)]))
    client = Client(app, catalog={"products": {"tea": {"name": "Sencha"}}})
    answer = client.get("/")
    assert answer.json() == {"name": "Sencha"}
    assert json.loads(answer.headers["edgekit-catalog"]) == {"products": "1"}


def test_kit_does_not_change_what_the_app_says() -> None:
    async def plain(request: Request) -> Response:
        response = Response("tea\n", 418, {"x-own": "1", "content-type": "text/x-tea"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    answer = serve(("GET /", plain)).get("/")
    assert (answer.status_code, answer.text) == (418, "tea\n")
    assert (answer.headers["x-own"], answer.headers["content-type"]) == ("1", "text/x-tea")
    assert len(answer.headers.get_list("set-cookie")) == 2


# The browser's part


def test_script_is_in_pages_that_are_navigated_to_and_nowhere_else(shop: Client) -> None:
    page = shop.get("/", headers=NAVIGATION)
    assert page.text.endswith('<script type="module" src="/_edge/page.js"></script></body>')
    assert int(page.headers["content-length"]) == len(page.content)
    assert "<script" not in shop.get("/").text
    assert "<script" not in shop.get("/", headers={"sec-fetch-dest": "iframe"}).text
    assert "<script" not in shop.get("/state", headers=NAVIGATION).text


def test_script_can_be_left_out() -> None:
    assert "<script" not in serve(*SHOP, script=False).get("/", headers=NAVIGATION).text


def test_script_comes_at_the_end_of_a_streamed_page() -> None:
    async def stream(request: Request) -> Response:
        async def parts() -> AsyncIterator[str]:
            yield "<body>"
            yield "tea</body>"

        return StreamingResponse(parts(), media_type="text/html")

    page = serve(("GET /", stream)).get("/", headers=NAVIGATION)
    assert page.text == '<body>tea</body><script type="module" src="/_edge/page.js"></script>'


def test_stored_answer_holds_no_script_and_is_replayed_with_it() -> None:
    async def page(request: Request) -> Response:
        context(request).records.put("stock", "tea", {})
        return HTMLResponse("<body></body>")

    client = serve(("GET /", show), ("POST /", page))
    client.get("/")
    first, second = (client.post("/", headers=keyed(**NAVIGATION)) for _ in range(2))
    assert "<script" in first.text
    assert first.text == second.text
    ((_, outcome),) = client.origin.outcomes.values()
    assert outcome.response.body == b"<body></body>"


def test_service_worker_gets_redirects_that_it_may_read(shop: Client) -> None:
    answer = shop.post("/", headers={"edgekit-client": "1"})
    assert answer.status_code == 200
    assert (answer.headers["edgekit-status"], answer.headers["edgekit-location"]) == ("303", "/")
    assert "location" not in answer.headers
    plain = shop.post("/")
    assert (plain.status_code, plain.headers["location"]) == (303, "/")


def test_service_worker_gets_the_new_view_and_others_only_learn_of_it(shop: Client) -> None:
    told = shop.post("/", headers={"edgekit-client": "1"})
    token = told.headers["edgekit-view"]
    assert token.count(".") == 2
    stolen = {"cookie": f"edgekit-view={token}; edgekit-session={token}"}
    shop.cookies.clear()
    assert shop.get("/state", headers=stolen).json() == {}  # what scripts can read is no credential
    assert shop.post("/").headers["edgekit-view"] == "changed"
    assert "edgekit-view" not in shop.get("/state").headers


# Requests that no app has to think about


@pytest.mark.parametrize(
    ("method", "target", "options", "status", "code"),
    [
        ("PROPFIND", "/", {}, 405, "method-not-allowed"),
        ("GET", "/%ff", {}, 400, "malformed-path"),
        ("GET", "/", {"headers": {"x-big": "x" * 17_000}}, 431, "headers-too-large"),
        ("POST", "/", {"content": b"x" * 101}, 413, "body-too-large"),
    ],
)
def test_bad_requests_do_not_reach_the_app(
    method: str, target: str, options: Mapping[str, Any], status: int, code: str
) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app was reached")

    answer = Client(Stateless(never, max_body=100)).request(method, target, **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_body_limit_holds_without_a_content_length(call: Any) -> None:
    client = serve(*SHOP, max_body=100)
    heard = call(client.app, "POST", "/", parts=[b"x" * 60, b"x" * 60])
    assert heard.status == 413


def test_body_of_a_safe_request_is_limited_too(call: Any) -> None:
    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    client = serve(("GET /", read), max_body=100)
    assert call(client.app, "GET", "/", parts=[b"x" * 60, b"x" * 60]).status == 413
    assert call(client.app, "GET", "/", parts=[b"x" * 60, b"x" * 40]).body == b"100"


def test_client_that_goes_away_while_sending_gets_nothing_and_does_nothing(call: Any) -> None:
    client = serve(*SHOP)
    assert call(client.app, "POST", "/buy", parts=[b"half"], gone=True).messages == []
    assert client.origin.records == {}


def test_client_that_goes_away_while_a_safe_request_is_read_gets_nothing(
    call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    assert call(serve(("GET /", read)).app, "GET", "/", parts=[b"half"], gone=True).messages == []
    assert caplog.text == ""  # that is nobody's mistake


@pytest.mark.parametrize(
    ("media_type", "body", "code"),
    [
        ("application/json", b'{"a":', "malformed-json"),
        ("application/json", b"[" * 100_000, "malformed-json"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\n", "malformed-form"),
    ],
)
def test_failure_over_a_broken_body_is_the_clients_mistake(media_type: str, body: bytes, code: str) -> None:
    async def parse(request: Request) -> Response:
        if "json" in media_type:
            return JSONResponse(await request.json())
        async with request.form():
            return Response()

    answer = serve(("POST /", parse)).post("/", content=body, headers=keyed(**{"content-type": media_type}))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_failure_over_a_good_body_is_the_apps_mistake() -> None:
    async def fail(request: Request) -> Response:
        raise ValueError("the app's own")

    answer = serve(("POST /", fail)).post("/", json={})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")


# Apps of every kind


@pytest.mark.parametrize("speaks", ["raises", "returns", "asks and raises"])
def test_plain_asgi_app_without_lifespan_keeps_its_host(speaks: str) -> None:
    closed = []

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            if speaks == "asks and raises":
                await receive()
            if speaks != "returns":
                raise ValueError("only HTTP here")
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(closed).encode()})

    with closing_client(plain, closed) as client:
        assert client.get("/").text == "[]"
    assert closed == ["closed"]


def test_host_is_closed_when_the_app_shuts_down_or_does_not_start() -> None:
    closed: list[str] = []
    with closing_client(Starlette(), closed) as client:
        assert client.get("/").status_code == 404
        assert closed == []
    assert set(closed) == {"closed"}

    @asynccontextmanager
    async def broken(app: Starlette) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    closed.clear()
    with pytest.raises(OSError, match="no database"), closing_client(Starlette(lifespan=broken), closed):
        pass
    assert set(closed) == {"closed"}


def closing_client(app: Any, closed: list[str]) -> Client:
    """A client whose host notes its end in `closed`."""
    client = Client(Stateless(app))
    stateless = cast("Stateless", client.app)

    async def close() -> None:
        closed.append("closed")

    stateless.bind(dataclasses.replace(stateless.host, close=close))
    return client


def test_app_that_never_answers_is_an_internal_error() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return None

    answer = Client(Stateless(silent)).get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")


def test_what_is_not_http_goes_straight_to_the_app() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Stateless(app)({"type": "of tomorrow"}, None, None))  # type: ignore[arg-type]
    assert seen == ["of tomorrow"]


def test_scope_of_the_server_is_left_as_it_was(call: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["extensions"] == {}
        scope["path"] = "/changed"
        scope["state"]["mark"] = 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    stateless = cast("Stateless", Client(Stateless(app)).app)
    state: dict[str, Any] = {"db": object()}
    heard = call(stateless, state=state, extensions={"http.response.pathsend": {}})
    assert heard.status == 200
    assert list(state) == ["db"]


def test_header_names_are_sent_in_lower_case_whatever_the_app_does(call: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-Own", b"1"), (b"Cache-Control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    stateless = cast("Stateless", Client(Stateless(app)).app)
    heard = call(stateless)
    assert all(name == name.lower() for name, _ in heard.headers)
    assert heard.header("cache-control") == "no-store"


# case T6
def test_page_with_a_form_key_is_for_no_shared_cache() -> None:
    async def page(request: Request) -> Response:
        headers = {"cache-control": "public, max-age=60"}
        return PlainTextResponse(str(context(request).form_key()), headers=headers)

    client = Client(Stateless(Starlette(routes=[Route("/", page)])))
    for _ in range(2):  # the first answer makes a guest, the second one changes nothing
        answer = client.get("/")
        assert answer.headers["cache-control"] == "private, no-cache"


# case T12: numbers that JSON has not, wherever they come from


async def keep(request: Request) -> Response:
    if request.headers.get("content-type") == "application/json":
        value = (await request.json())["n"]
    elif request.query_params:
        value = float(request.query_params["n"])
    else:
        value = float((await request.form())["n"])  # type: ignore[arg-type]
    ctx = context(request)
    if request.url.path == "/record":
        ctx.records.put("numbers", "one", {"n": value})
    else:
        ctx.state["n"] = value
    return PlainTextResponse("kept")


@pytest.mark.parametrize("path", ["/state", "/record"])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *(
            (
                {"content": b'{"n": %s}' % number, "headers": {"content-type": "application/json"}},
                "malformed-json",
            )
            for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"[-1e999]", b'"\\ud800"')
        ),
        *(({"data": {"n": number}}, "malformed-form") for number in ("nan", "1e999", "-inf")),
        ({"params": {"n": "nan"}}, "malformed-query"),
    ],
)
def test_number_that_json_has_not_is_the_clients_mistake(
    caplog: pytest.LogCaptureFixture, path: str, sent: dict[str, Any], code: str
) -> None:
    client = Client(Stateless(Starlette(routes=[Route("/{x}", keep, methods=["POST"])])))
    answer = client.post(path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "Traceback" not in caplog.text
    assert client.post(path, data={"n": "1.5"}).text == "kept"


async def keep_any(request: Request) -> Response:
    said = request.headers.get("x-n") or request.cookies.get("n") or request.path_params["n"]
    if request.headers.get("content-type") == "multipart/x-any":
        said = json.loads(await request.body())
    elif fields := (await request.form()).getlist("n"):
        said = fields[0]
    context(request).state["n"] = float(said) if isinstance(said, str) and "\ud800" not in said else said
    return PlainTextResponse("kept")


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        *((f"/{number}", {}, "malformed-path") for number in ("nan", "1e999", "-Infinity")),
        ("/1", {"headers": {"x-n": "nan"}}, "malformed-header"),
        ("/1", {"headers": {"cookie": "a=1; n=1e999"}}, "malformed-header"),
        *(
            ("/1", {"content": body, "headers": {"content-type": "multipart/x-any"}}, "malformed-json")
            for body in (b"NaN", b'{"a": [1e999]}', b'"\\ud800"')
        ),
        ("/1", {"data": {"n": ["nan", "2"]}}, "malformed-form"),
    ],
)
def test_wherever_it_stood(
    caplog: pytest.LogCaptureFixture, path: str, sent: dict[str, Any], code: str
) -> None:
    """case T12: also where no media type says JSON, and in the first of two fields."""
    client = Client(Stateless(Starlette(routes=[Route("/{n}", keep_any, methods=["POST"])])))
    answer = client.post(path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "Traceback" not in caplog.text


def test_a_name_that_looks_like_no_number_is_no_mistake() -> None:
    async def fail(request: Request) -> Response:
        raise ValueError(request.path_params["name"])

    client = Client(Stateless(Starlette(routes=[Route("/{name}", fail, methods=["GET", "POST"])])))
    assert [client.request(method, "/nan").status_code for method in ("GET", "POST")] == [500, 500]


def test_the_same_in_a_read(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(Stateless(Starlette(routes=[Route("/state", keep)])))
    answer = client.get("/state?n=nan")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-query")
    assert "Traceback" not in caplog.text
    assert client.get("/state?n=1").text == "kept"


def test_an_apps_own_mistake_with_numbers_stays_its_own() -> None:
    async def divide(request: Request) -> Response:
        context(request).state["n"] = float("inf")
        return PlainTextResponse("never")

    client = Client(Stateless(Starlette(routes=[Route("/", divide, methods=["GET", "POST"])])))
    for method in ("GET", "POST"):
        assert client.request(method, "/?n=1").status_code == 500


async def unreachable(request: Request) -> Response:
    raise Problem("origin-unavailable") from OSError("connection refused")


def test_an_origin_that_is_down_is_one_line_a_request(caplog: pytest.LogCaptureFixture) -> None:  # case N10
    assert serve(("GET /", unreachable)).get("/").status_code == 503
    [record] = [one for one in caplog.records if one.name == "edgekit"]
    assert record.exc_info is None
    assert record.getMessage().splitlines() == [
        "GET '/' failed: origin-unavailable: The origin does not answer (OSError('connection refused'))"
    ]
