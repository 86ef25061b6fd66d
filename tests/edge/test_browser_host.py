"""The browser as a host: it answers what it can and passes everything else on, unchanged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from edge import NeedsEdge, Problem, Stateless, context
from edge.applied import remember
from edge.fingerprints import fingerprint_of
from edge.host import Host
from edge.origin_client import OriginClient
from edge.types import Reply
from edge.visitor import PayloadVisitors

CLAIMS = {
    "sub": "ann",
    "sid": "s" * 22,
    "ver": 3,
    "state": {"cups": 2},
    "keys": [],
    "iat": 1,
    "exp": 2,
    "usr": {"name": "Ann"},
    "guest": False,
    "frm": "f" * 22,
    "shp": 0,
}
Answer = Callable[..., Any]


@pytest.fixture
def browser(make_host: Callable[..., Host], call: Answer) -> Answer:
    """`browser(handler, view=…)`: what the browser host makes of a GET."""

    def answer(
        handler: Any, view: Any = None, middleware: Any = (), method: str = "GET", **parts: Any
    ) -> Any:
        starlette = Starlette(routes=[Route("/", handler, methods=[method])], middleware=middleware)
        app = Stateless(starlette, readable=["orders"])
        app.bind(make_host(name="browser", visitors=PayloadVisitors(), **parts))
        members = {} if view is None else {"edgekit.view": view}
        return call(app, method, "/", **members)

    return answer


def escalated(heard: Any) -> bool:
    """Whether the request was passed on, and nothing else was said."""
    return [message["type"] for message in heard.messages] == ["edgekit.escalate"]


async def show(request: Request) -> Response:
    ctx = context(request)
    user = ctx.user and [ctx.user.id, ctx.user.is_guest, ctx.user.claims]
    return JSONResponse({"state": dict(ctx.state), "user": user, "host": ctx.host})


def test_what_only_reads_is_answered_here(browser: Answer) -> None:
    heard = browser(show, CLAIMS)
    assert heard.body == b'{"state":{"cups":2},"user":["ann",false,{"name":"Ann"}],"host":"browser"}'
    assert heard.header("edgekit-host") == "browser"


def test_without_a_view_the_state_is_empty(browser: Answer) -> None:
    assert browser(show).body == b'{"state":{},"user":null,"host":"browser"}'


def test_changed_state_is_passed_on_and_nothing_else(browser: Answer) -> None:
    async def change(request: Request) -> Response:
        request.session["cups"] = 9
        return PlainTextResponse("changed")

    heard = browser(change, CLAIMS)
    assert escalated(heard)
    assert "state" in heard.messages[0]["reason"]


def test_changed_state_is_passed_on_before_a_stream_starts(browser: Answer) -> None:
    async def change(request: Request) -> Response:
        async def parts() -> Any:
            yield b"one"
            yield b"two"

        request.session["cups"] = 9
        return StreamingResponse(parts())

    assert escalated(browser(change, CLAIMS))


def test_changed_state_is_passed_on_through_middleware(browser: Answer) -> None:
    async def change(request: Request) -> Response:
        request.session["cups"] = 9
        return PlainTextResponse("changed")

    async def pass_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    assert escalated(browser(change, CLAIMS, [Middleware(BaseHTTPMiddleware, dispatch=pass_on)]))


def test_change_that_is_taken_back_is_answered_here(browser: Answer) -> None:
    async def toggle(request: Request) -> Response:
        request.session["cups"] = 9
        request.session["cups"] = 2
        return PlainTextResponse("as it was")

    assert browser(toggle, CLAIMS).body == b"as it was"


def test_form_key_needs_a_user(browser: Answer) -> None:
    async def form(request: Request) -> Response:
        return HTMLResponse(f"<form>{context(request).form_key()}</form>")

    assert b'name="_key"' in browser(form, CLAIMS).body
    assert escalated(browser(form))


def test_form_key_without_a_user_is_passed_on_even_if_the_app_swallows_it(browser: Answer) -> None:
    async def form(request: Request) -> Response:
        try:
            key: Any = context(request).form_key()
        except Exception:
            key = ""
        return HTMLResponse(f"<form>{key}</form>")

    assert escalated(browser(form))


def test_form_key_without_a_user_is_passed_on_even_if_the_app_makes_an_error_page_of_it(
    browser: Answer,
) -> None:
    async def form(request: Request) -> Response:
        try:
            context(request).form_key()
        except Exception as error:
            raise RuntimeError from error
        return Response()

    assert escalated(browser(form))


def test_needs_edge_raised_by_a_handler_is_passed_on(browser: Answer) -> None:
    async def secret(request: Request) -> Response:
        raise NeedsEdge("a secret")

    heard = browser(secret, CLAIMS)
    assert escalated(heard)
    assert "a secret" in heard.messages[0]["reason"]


@pytest.mark.parametrize(
    "use",
    [
        lambda ctx: ctx.sealed.get("code"),
        lambda ctx: ctx.sign_in("bob"),
        lambda ctx: ctx.sign_out(),
    ],
    ids=["sealed state", "signing in", "signing out"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_needs_a_key_is_passed_on_even_if_the_app_swallows_it(
    browser: Answer, use: Callable[[Any], Any], method: str
) -> None:
    async def careless(request: Request) -> Response:
        with suppress(NeedsEdge):
            use(context(request))
        return PlainTextResponse("as if nothing had happened")

    assert escalated(browser(careless, CLAIMS, method=method))


def test_request_that_is_too_large_for_this_interpreter_is_passed_on(browser: Answer) -> None:
    async def greedy(request: Request) -> Response:
        raise MemoryError

    heard = browser(greedy, CLAIMS)
    assert escalated(heard)
    assert "memory" in heard.messages[0]["reason"]


def test_ended_session_is_a_problem_here_too_but_there_are_no_cookies_to_take_away(browser: Answer) -> None:
    async def ended(request: Request) -> Response:
        raise Problem("session-ended")

    heard = browser(ended, CLAIMS)
    assert heard.status == 401
    assert heard.header("set-cookie") is None


def test_collection_that_is_not_readable_is_passed_on(browser: Answer) -> None:
    async def secret(request: Request) -> Response:
        return PlainTextResponse(repr(await context(request).records.get("secrets", "one")))

    assert escalated(browser(secret, CLAIMS))


def test_record_that_cannot_be_reached_is_passed_on(browser: Answer, clock: Any) -> None:
    async def unreachable(*_call: Any) -> Any:
        raise NeedsEdge("a record")

    async def order(request: Request) -> Response:
        found = await context(request).records.get("orders", "one")
        return PlainTextResponse(repr(found))

    origin = OriginClient(unreachable, None, clock)
    assert escalated(browser(order, CLAIMS, origin=origin))
    assert browser(order, origin=origin).body == b"None"  # nobody owns nothing: no need to ask


def test_ordinary_failures_are_answered_here(browser: Answer) -> None:
    async def fail(request: Request) -> Response:
        raise ZeroDivisionError

    heard = browser(fail, CLAIMS)
    assert heard.status == 500
    assert b"internal-error" in heard.body


# Writes that it answers ahead of an edge

KEY = "a-key-of-a-test-0001"
WRITE = [("idempotency-key", KEY), ("edgekit-time", "1767225000500")]


@pytest.fixture
def foretell(make_host: Callable[..., Host], call: Answer, clock: Any) -> Answer:
    """`foretell(handler, view)`: (answer, effects) of a POST."""

    async def no_orders(*_call: Any) -> Reply:
        return Reply(200, {}, b'{"items":[],"next":null}')

    def answer(handler: Any, view: Any = CLAIMS) -> Any:
        app = Stateless(Starlette(routes=[Route("/", handler, methods=["POST"])]), readable=["orders"])
        origin = OriginClient(no_orders, None, clock)
        app.bind(make_host(name="browser", visitors=PayloadVisitors(), origin=origin))
        heard = call(app, "POST", "/", WRITE, **{"edgekit.view": view})
        encoded = None if escalated(heard) else heard.header("edgekit-effects")
        return heard, encoded and json.loads(base64.b64decode(encoded))

    return answer


async def add(request: Request) -> Response:
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    ctx.records.put("orders", f"number-{ctx.state['cups']}", {"at": ctx.now})
    return PlainTextResponse(str([record.id for record in (await ctx.records.list("orders")).items]))


def test_answer_to_a_write_says_what_it_would_change(foretell: Answer) -> None:
    heard, effects = foretell(add)
    assert heard.body == b"['number-3']"
    assert effects == {
        "state": {"cups": 3},
        "shp": 0,
        "writes": [["user", "orders", "number-3", {"at": 1767225000.5}]],
    }
    assert heard.header("edgekit-view") is None


def test_write_sees_what_earlier_ones_would_change(foretell: Answer) -> None:
    _, first = foretell(add)
    heard, second = foretell(add, {**CLAIMS, "effects": [first]})
    assert heard.body == b"['number-3', 'number-4']"
    assert second["state"] == {"cups": 4}
    heard, _ = foretell(add, {**CLAIMS, "effects": [first, second, {"state": None, "shp": 0, "writes": []}]})
    assert heard.body == b"['number-3', 'number-4', 'number-5']"


def test_write_of_a_bound_session_needs_no_proof_where_it_is_foretold(foretell: Answer) -> None:
    heard, effects = foretell(add, {**CLAIMS, "jkt": "t" * 43})
    assert (heard.status, effects["state"]) == (200, {"cups": 3})


def test_refusal_is_foretold_without_its_records(foretell: Answer) -> None:
    async def refuse(request: Request) -> Response:
        context(request).records.put("orders", "one", {})
        return PlainTextResponse("no", 409)

    heard, effects = foretell(refuse)
    assert heard.status == 409
    assert effects == {"state": None, "shp": 0, "writes": []}


@pytest.mark.parametrize("status", [400, 401, 403, 408, 413, 428, 429, 500, 503])
def test_answer_that_is_not_final_is_passed_on(foretell: Answer, status: int) -> None:
    async def refuse(request: Request) -> Response:
        return PlainTextResponse("no", status)

    assert escalated(foretell(refuse)[0])


def test_what_the_view_contains_already_is_not_foretold_again(foretell: Answer, make_scope: Answer) -> None:
    mark = fingerprint_of(make_scope("POST", "/", WRITE), b"")

    async def note(request: Request) -> Response:
        context(request).state["cups"] = 9
        return PlainTextResponse("noted")

    noted = {**CLAIMS, "keys": remember((), KEY, mark, stored=False)}
    heard, effects = foretell(note, noted)
    assert heard.status == 200
    assert effects == {"state": None, "shp": 0, "writes": []}
    assert escalated(foretell(add, noted)[0])  # its first run wrote nothing, so an edge refuses this one
    assert escalated(foretell(add, {**CLAIMS, "keys": remember((), KEY, mark, stored=True)})[0])


@pytest.mark.parametrize(
    ("claims", "passed_on"),
    [
        (None, True),
        ({}, True),
        ({"jkt": "k" * 43, "late": True}, True),
        ({"jkt": "k" * 43}, False),
    ],
    ids=["nobody", "plain", "late", "bound"],
)
def test_what_wants_a_device_is_an_edges_unless_this_is_it(
    make_host: Callable[..., Host], call: Answer, claims: Any, passed_on: bool
) -> None:
    """cases T2, T3: an edge would refuse it, or knows better; the browser never gives another answer."""

    async def own(request: Request) -> Response:
        return PlainTextResponse("mine")

    async def insist(request: Request) -> Response:
        context(request).require_device()
        return PlainTextResponse("mine")

    routes = [Route("/account/{rest:path}", own), Route("/insist", insist), Route("/transfer", own)]
    app = Stateless(Starlette(routes=routes), bound=["/account/{rest:path}", "/transfer"])
    app.bind(make_host(name="browser", visitors=PayloadVisitors()))
    members = {} if claims is None else {"edgekit.view": {**CLAIMS, **claims}}
    for path in ("/account/orders", "/insist", "/transfer"):
        heard = call(app, "GET", path, **members)
        assert escalated(heard) is passed_on
        assert passed_on or heard.body == b"mine"
    assert call(app, "GET", "/transfer\n", **members).status == 400


def test_what_only_an_edge_serves_is_its_own_however_it_is_spelled(
    make_host: Callable[..., Host], call: Answer
) -> None:
    """case T2: the worker's table knows `/_edge/health`, and not `/%5Fedge/health`."""

    async def own(request: Request) -> Response:
        return PlainTextResponse("the app's")

    app = Stateless(Starlette(routes=[Route("/{rest:path}", own)]), static={"/static": "/nowhere"})
    app.bind(make_host(name="browser", visitors=PayloadVisitors()))
    for path in ("/_edge/health", "/_edge/none", "/sw.js", "/static/none.css"):
        assert escalated(call(app, "GET", path))
    assert call(app, "GET", "/statics").body == b"the app's"
