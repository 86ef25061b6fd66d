"""WSGI apps answer as under a WSGI server, also where there are no threads and where cookies are hidden."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from edge import Stateless
from edge.visitor import PayloadVisitors
from edge.wsgi import WSGI

Heard = Any
TEXT = [("Content-Type", "text/plain")]


@pytest.fixture
def on(make_host: Callable[..., Any], call: Callable[..., Heard]) -> Callable[..., Heard]:
    """`on("browser", app, "POST", "/x?y", headers, body=…)`: what a host makes of a request to a WSGI app."""

    def answer(name: str, app: Any, *words: Any, **members: Any) -> Heard:
        stateless = Stateless(WSGI(app))
        parts = {"visitors": PayloadVisitors()} if name == "browser" else {}
        stateless.bind(make_host(name=name, **parts))
        return call(stateless, *words, **members)

    return answer


def escalated(heard: Heard) -> bool:
    return [message["type"] for message in heard.messages] == ["edgekit.escalate"]


def says(read: Callable[[dict[str, Any]], object]) -> Any:
    """A WSGI app that answers with what `read(environ)` finds."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", TEXT)
        return [str(read(environ)).encode()]

    return app


def test_an_app_gets_what_the_standard_asks_for(on):
    heard = on(
        "native", validator(says(lambda environ: environ["PATH_INFO"])), "GET", "/tea?y=1", [("host", "a")]
    )
    assert (heard.status, heard.body) == (200, b"/tea")


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda e: e["REQUEST_METHOD"], "POST"),
        (lambda e: e["PATH_INFO"].encode("latin-1").decode(), "/grün"),
        (lambda e: e["QUERY_STRING"], "y=1&z=%20"),
        (lambda e: (e["CONTENT_TYPE"], e["CONTENT_LENGTH"]), "('text/tea', '5')"),
        (lambda e: "HTTP_CONTENT_TYPE" in e, "False"),
        (lambda e: e["wsgi.input"].read(), "b'green'"),
        (lambda e: e["HTTP_X_TEA"], "green, black"),
        (lambda e: (e["SERVER_NAME"], e["SERVER_PROTOCOL"]), "('testserver', 'HTTP/1.1')"),
        (lambda e: e["edgekit.context"].host, "native"),
    ],
    ids=["method", "path", "query", "own names", "no others", "body", "twice", "server", "context"],
)
def test_the_environment(on, read, expected):
    headers = [("x-tea", "green"), ("x-tea", "black"), ("content-type", "text/tea"), ("content-length", "5")]
    heard = on("native", says(read), "POST", "/grün?y=1&z=%20", headers, body=b"green")
    assert heard.body.decode() == expected


def test_two_lines_of_cookies_are_one_header(on):
    headers = [("cookie", "a=1"), ("cookie", "b=2")]
    assert on("native", says(lambda e: e["HTTP_COOKIE"]), "GET", "/", headers).body == b"a=1; b=2"


HIDDEN = {
    "the cookies": lambda e: e["HTTP_COOKIE"].split(";"),
    "the cookies, if any": lambda e: e.get("HTTP_COOKIE", "") == "",
    "who has typed a password": lambda e: e.get("HTTP_AUTHORIZATION", "").startswith("Basic"),
    "the address": lambda e: str(e["REMOTE_ADDR"]),
    "a proxy's header": lambda e: str(e.get("HTTP_X_FORWARDED_FOR")),
    "a client hint": lambda e: str(e.get("HTTP_SEC_CH_UA_PLATFORM")),
}


@pytest.mark.parametrize("read", HIDDEN.values(), ids=HIDDEN)
def test_who_reads_what_browsers_hide_is_answered_by_an_edge(on, read):
    """Case P3, for WSGI."""
    assert escalated(on("browser", says(read), "GET", "/"))


def test_handing_the_environment_around_costs_nothing(on):
    def app(environ, start_response):
        copy = {**environ}
        return says(lambda e: e["HTTP_X_TEA"])(copy, start_response)

    heard = on("browser", app, "GET", "/", [("x-tea", "green")])
    assert (heard.status, heard.body) == (200, b"green")


def test_parts_are_sent_one_by_one_and_the_iterable_is_closed(on):
    closed = []

    class Parts:
        def __iter__(self) -> Iterator[bytes]:
            yield from (b"", b"a", b"", b"b")

        def close(self) -> None:
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return Parts()

    heard = on("native", app, "GET", "/")
    bodies = [m["body"] for m in heard.messages if m["type"] == "http.response.body"]
    assert [part for part in bodies if part] == [b"a", b"b"]
    assert closed == [True]


def test_an_app_may_change_its_mind_before_the_first_byte(on):
    def app(environ, start_response):
        start_response("200 OK", TEXT)
        try:
            raise ValueError("on purpose")
        except ValueError:
            start_response("404 Not Found", TEXT, sys.exc_info())
        return [b"no"]

    assert on("native", app, "GET", "/").status == 404


def test_after_the_first_byte_it_may_not(on):
    def app(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"a"
        try:
            raise ValueError("on purpose")
        except ValueError:
            start_response("500 Error", TEXT, sys.exc_info())

    with pytest.raises(ValueError, match="on purpose"):
        on("native", app, "GET", "/")


def test_what_is_given_to_write_comes_first(on):
    def app(environ, start_response):
        write = start_response("200 OK", TEXT)
        write(b"a")
        return [b"b"]

    assert on("native", app, "GET", "/").body == b"ab"


def test_all_steps_of_an_answer_see_the_same_context_variables(on):
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("tea")

    def app(environ, start_response):
        token = variable.set("green")
        start_response("200 OK", TEXT)
        yield variable.get().encode()
        yield variable.get().encode()
        variable.reset(token)

    assert on("native", app, "GET", "/").body == b"greengreen"


def test_a_slow_app_holds_nobody_up(on):
    """Where there are threads, it runs in one."""
    seen = []
    on(
        "native",
        says(lambda e: seen.append(threading.current_thread() is threading.main_thread())),
        "GET",
        "/",
    )
    assert seen == [False]


def test_the_framework_is_told_of_failures(on):
    def app(environ, start_response):
        raise ValueError("on purpose")

    assert on("native", app, "GET", "/").status == 500


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_wsgi_does_not_know_is_said(kind):
    with pytest.raises(NotImplementedError, match=kind):
        asyncio.run(WSGI(says(str))({"type": kind}, None, None))
