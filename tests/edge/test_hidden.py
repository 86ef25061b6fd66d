"""What a browser hides from its service worker is an edge's to answer."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from edge import NeedsEdge, Stateless, hidden
from edge.host import Host
from edge.visitor import PayloadVisitors

Heard = Any
Peek = Callable[[Request], Any]
HEADERS = [("x-tea", "green"), ("accept", "text/html"), ("host", "tea.example")]


@pytest.fixture
def on(make_host: Callable[..., Host], call: Callable[..., Heard]) -> Callable[..., Heard]:
    """`on("browser", handler, middleware=…, headers=…)`: what that host makes of a GET."""

    def answer(
        name: str, handler: Any, middleware: Any = (), headers: Any = HEADERS, method: str = "GET"
    ) -> Heard:
        app = Stateless(Starlette(routes=[Route("/", handler, methods=[method])], middleware=middleware))
        parts = {"visitors": PayloadVisitors()} if name == "browser" else {}
        app.bind(make_host(name=name, **parts))
        return call(app, method, "/", headers)

    return answer


def escalated(heard: Heard) -> bool:
    return [message["type"] for message in heard.messages] == ["edgekit.escalate"]


async def plain(request: Request) -> Response:
    return PlainTextResponse("tea")


PEEKS: dict[str, Peek] = {
    "one cookie": lambda r: r.cookies.get("theme"),
    "whether there is a cookie": lambda r: "theme" in r.cookies,
    "whether there are cookies": lambda r: bool(r.cookies),
    "the number of cookies": lambda r: len(r.cookies),
    "a cookie by its name": lambda r: r.cookies["theme"],
    "a copy of the cookies": lambda r: {**r.cookies},
    "the cookies as JSON": lambda r: json.dumps(r.cookies),
    "the cookies as text": lambda r: f"{r.cookies}",
    "cookies with the others": lambda r: dict(r.cookies) | {},
    "the header": lambda r: r.headers.get("cookie"),
    "the header, spelled otherwise": lambda r: r.headers.get("Cookie"),
    "whether there is the header": lambda r: "cookie" in r.headers,
    "all such headers": lambda r: r.headers.getlist("cookie"),
    "all headers": lambda r: dict(r.headers),
    "the values of headers": lambda r: r.headers.values(),
    "the names of headers": lambda r: list(r.headers),
    "headers as text": lambda r: repr(r.headers),
    "the scope": lambda r: next((v for n, v in r.scope["headers"] if n == b"cookie"), None),
    "the scope, from its other side": lambda r: [v for n, v in r.scope["headers"] if b"cookie" == n],  # noqa: SIM300
    "the scope as a dictionary": lambda r: dict(r.scope["headers"]).get(b"cookie"),
    "the scope in lower case": lambda r: [bytes(v) for n, v in r.scope["headers"] if n.lower() == b"cookie"],
    "a copy of the scope": lambda r: dict(copy.deepcopy(r.scope["headers"]))[b"cookie"],
    "the scope as text": lambda r: str(r.scope["headers"]),
    "what was typed at a prompt": lambda r: r.headers.get("authorization"),
    "that in a dictionary": lambda r: dict(r.scope["headers"]).get(b"authorization"),
    "who asks a proxy": lambda r: r.headers.get("X-Forwarded-For"),
    "a client hint": lambda r: r.headers.get("sec-ch-ua-platform"),
    "whether data is to be saved": lambda r: r.headers.get("save-data"),
    "the address of the client": lambda r: r.client and r.client.host,
    "that address in the scope": lambda r: r.scope["client"][0],
}


@pytest.mark.parametrize("name", PEEKS)
@pytest.mark.parametrize("swallow", [False, True], ids=["", "swallowed"])
def test_whoever_looks_at_what_is_hidden_escalates(on: Any, name: str, swallow: bool) -> None:
    """Case P3."""

    async def handler(request: Request) -> Response:
        with suppress(Exception if swallow else ()):
            PEEKS[name](request)
        return PlainTextResponse("tea")

    assert escalated(on("browser", handler))
    assert not escalated(on("native", handler))


@pytest.mark.parametrize(
    "look",
    [
        lambda r: r.headers.get("x-tea"),
        lambda r: r.headers.get("x-none"),
        lambda r: "x-none" in r.headers,
        lambda r: r.headers.getlist("x-none"),
        lambda r: [n for n, _ in r.scope["headers"] if n.lower() == b"x-none"],
        lambda r: dict(r.scope["headers"]).get(b"x-none"),
        lambda r: r.headers.mutablecopy().get("accept"),
        lambda r: r.cookies is None,
        lambda r: (r.url.path, r.method, r.query_params.get("q")),
    ],
)
def test_looking_at_other_headers_is_no_reason(on: Any, look: Peek) -> None:
    async def handler(request: Request) -> Response:
        return PlainTextResponse(repr(look(request)))

    here, there = on("browser", handler), on("native", handler)
    assert (here.status, here.body) == (there.status, there.body) == (200, here.body)


def test_what_a_script_sends_itself_is_seen(on: Any) -> None:
    async def handler(request: Request) -> Response:
        return PlainTextResponse(
            request.headers["authorization"] + str(request.headers.getlist("authorization"))
        )

    heard = on("browser", handler, headers=[*HEADERS, ("authorization", "Bearer tea")])
    assert heard.body == b"Bearer tea['Bearer tea']"


class Basic(AuthenticationBackend):
    async def authenticate(self, conn: Any) -> Any:
        if "Authorization" not in conn.headers:
            return None
        return AuthCredentials(), SimpleUser("ann")


@pytest.mark.parametrize(
    ("middleware", "stays"),
    [
        (Middleware(SessionMiddleware, secret_key="k"), False),
        (Middleware(AuthenticationMiddleware, backend=Basic()), False),
        (Middleware(CORSMiddleware, allow_origins=["https://tea.example"]), True),
        (Middleware(GZipMiddleware), True),
    ],
)
def test_middleware_that_looks_at_it_each_time_makes_every_request_an_edges(
    on: Any, middleware: Any, stays: bool
) -> None:
    """Case P3: also if the handler never asks for the session."""
    assert escalated(on("browser", plain, [middleware])) is not stays


def test_fastapi_looks_at_cookies_only_where_they_are_asked_for(
    make_host: Callable[..., Host], call: Callable[..., Heard]
) -> None:
    """Case P3: it hands `request.cookies` around for each request."""
    api = fastapi.FastAPI()
    theme = fastapi.Cookie(None)

    @api.get("/plain")
    async def no_cookie(q: str = "") -> dict[str, str]:
        return {"q": q}

    @api.get("/cookie")
    async def cookie(theme: str | None = theme) -> dict[str, str | None]:
        return {"theme": theme}

    app = Stateless(api)
    app.bind(make_host(name="browser", visitors=PayloadVisitors()))
    assert call(app, "GET", "/plain?q=1").body == b'{"q":"1"}'
    assert escalated(call(app, "GET", "/cookie"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("set-cookie", "theme=dark"),
        ("Set-Cookie", "theme=dark"),
        ("clear-site-data", '"cookies"'),
        ("www-authenticate", "Basic"),
        ("content-encoding", "gzip"),
        ("content-encoding", "br"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_whoever_answers_with_what_only_a_server_can_say_escalates(
    on: Any, name: str, value: str, method: str, streams: bool
) -> None:
    """Cases P3, P13, P27."""

    async def parts() -> Any:
        yield b"one"
        yield b"two"

    async def handler(request: Request) -> Response:
        headers = {name: value}
        return StreamingResponse(parts(), headers=headers) if streams else Response(b"x", headers=headers)

    assert escalated(on("browser", handler, method=method))
    assert on("native", handler).header(name.lower()) == value


def test_no_coding_is_none(on: Any) -> None:
    async def handler(request: Request) -> Response:
        return Response(b"x", headers={"content-encoding": "identity"})

    assert on("browser", handler).body == b"x"


def test_a_task_of_the_start_up_marks_the_request_that_it_looks_at(on: Any) -> None:
    """Case P23: it does not run where the request does."""

    async def handler(request: Request) -> Response:
        def look() -> None:
            with suppress(NeedsEdge):
                request.headers.get("cookie")

        Context().run(look)
        return PlainTextResponse("as if there were none")

    assert escalated(on("browser", handler))


def test_values_tell_nothing_by_any_operation() -> None:
    request = type("Request", (), {"escalated": False, "host": "browser"})()
    scope = hidden.seen({"headers": [(b"host", b"a")]}, request)
    (_, value), _ = scope["headers"][1:]
    reads: list[Callable[[], Any]] = [
        lambda: value + b"",
        lambda: b"" + value,
        lambda: value == b"",
        lambda: len(value),
        lambda: bytes(value),
        lambda: f"{value}",
        lambda: hash(value),
        lambda: list(value),
        lambda: b"%b" % value,
        lambda: value.split(b";"),
        lambda: scope["client"] == ("a", 1),
        lambda: list(scope["client"]),
    ]
    if sys.version_info >= (3, 12):  # PEP 688
        reads += [lambda: b"".join([value, b""]), lambda: memoryview(value)]
    for read in reads:
        request.escalated = False
        with pytest.raises(NeedsEdge):
            read()
        assert request.escalated
