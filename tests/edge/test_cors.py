"""The app's own CORS policy is on the kit's refusals too (case P34)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge import Stateless
from edge.errors import Problem
from edge.testing import Client

PAGE = "https://partner.example"
ran: list[str] = []


async def take(request: Request) -> Response:
    ran.append(request.method)
    await request.body()
    if request.url.path == "/refused":
        raise Problem("precondition-failed")
    return PlainTextResponse("taken")


def client(**policy: Any) -> Client:
    middleware = [Middleware(CORSMiddleware, **policy)] if policy else []
    routes = [Route("/{at}", take, methods=["GET", "POST"])]
    return Client(Stateless(Starlette(routes=routes, middleware=middleware), max_body=100, foreign=["/{at}"]))


@pytest.fixture
def policy() -> Client:
    ran.clear()
    return client(allow_origins=[PAGE], allow_methods=["GET", "POST"], allow_credentials=True)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("POST", {"content": b"x" * 200}, "body-too-large"),
    ("POST", {"headers": {"x-big": "x" * 17_000}}, "headers-too-large"),
    ("POST", {"content": b"[" * 99, "headers": {"content-type": "application/json"}}, ""),
    ("POST", {"headers": {"idempotency-key": "short"}}, "malformed-key"),
    ("POST", {"data": {"_key": "short"}}, "malformed-key"),
    ("TRACE", {}, "method-not-allowed"),
    ("GET", {"headers": {"service-worker": "script"}}, "forbidden"),
]


@pytest.mark.parametrize(("method", "sent", "code"), REFUSED, ids=[code or "json" for _, _, code in REFUSED])
def test_who_may_read_answers_may_read_refusals(
    policy: Client, method: str, sent: dict[str, Any], code: str
) -> None:
    headers = {"origin": PAGE, "sec-fetch-site": "cross-site", **sent.get("headers", {})}
    answer = policy.request(method, "/x", **{**sent, "headers": headers})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in answer.headers["vary"].lower()
    if code:
        assert (answer.json()["code"], ran) == (code, [])


def test_a_path_that_is_none(policy: Client, call: Callable[..., Any], make_host: Callable[..., Any]) -> None:
    app = policy.app
    heard = call(app, "GET", "/%ff", [("host", "testserver"), ("origin", PAGE)])
    assert (heard.status, heard.header("access-control-allow-origin")) == (400, PAGE)


def test_a_write_that_is_refused_as_foreign() -> None:
    app = Starlette(middleware=[Middleware(CORSMiddleware, allow_origins=["*"])])
    answer = Client(Stateless(app)).post("/x", headers={"origin": PAGE, "sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (403, "*")


def test_a_problem_that_a_handler_raises(policy: Client) -> None:
    headers = {"origin": PAGE, "sec-fetch-site": "cross-site"}
    for method in ("GET", "POST"):
        answer = policy.request(method, "/refused", headers=headers)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (412, PAGE)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://testserver", None, "null"])
def test_nobody_else_may(policy: Client, origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin}
    answer = policy.post("/x", content=b"x" * 200, headers=headers)
    assert answer.status_code == 413
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_app_without_a_policy_is_not_asked_to_do_anything() -> None:
    ran.clear()
    answer = client().post("/x", content=b"x" * 200, headers={"origin": PAGE})
    assert answer.status_code == 413
    assert "access-control-allow-origin" not in answer.headers
    assert ran == []


def test_an_app_that_breaks_at_the_question_refuses_as_before() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("no such thing")

    answer = Client(Stateless(broken, max_body=1)).post("/x", content=b"xx", headers={"origin": PAGE})
    assert answer.status_code == 413


def test_the_kits_own_paths_are_no_part_of_the_app(policy: Client) -> None:
    answer = policy.get("/_edge/nothing", headers={"origin": PAGE})
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
