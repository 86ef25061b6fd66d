"""Who may read across origins what an edge answers: sites that it was told of, as nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.cross_origin import fields, is_reader, origin_of, origins
from edge.host import Host
from edge.page_script import TAG
from edge.responder import Responder

SITES = frozenset({"https://tea.example", "http://127.0.0.1:8000"})
ALLOWED = [
    (b"vary", b"origin"),
    (b"access-control-allow-origin", b"https://tea.example"),
    (b"access-control-expose-headers", b"*"),
]
VARIES = ALLOWED[:1]
ORIGIN = ("origin", "https://tea.example")
MakeScope = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://a.example", "https://a.example"),
        (" HTTPS://A.Example:443 ", "https://a.example"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_spelled_as_browsers_do(written: str, meant: str) -> None:
    assert origin_of(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a.example",
            "//a.example",
            "ftp://a.example",
            "wss://a.example",
            "null",
            "*",
            "https://*.example",
        ),
        *(
            "https://",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example?q",
            "https://a.example#f",
        ),
        *("https://u:p@a.example", "https://a.example:0", "https://a.example:70000", "https://a.example:x"),
        *("https://a.example; script-src *", "https://a.example https://b.example", "https://a.example\n.b"),
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        origin_of(text)


def test_several_have_commas_between() -> None:
    assert origins("") == frozenset()
    assert origins("https://tea.example, http://127.0.0.1:8000,") == SITES


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_site_that_is_known_may_read(make_scope: MakeScope, method: str) -> None:
    assert fields(make_scope(method, "/", [ORIGIN]), [], SITES) == ALLOWED


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("origin", "https://evil.example")],
        [("origin", "https://tea.example.evil.example")],
        [("origin", "http://tea.example")],
        [("origin", "null")],
        [ORIGIN, ORIGIN],
        [ORIGIN, ("cookie", "a=b")],
        [ORIGIN, ("authorization", "Bearer a")],
        [ORIGIN, ("dpop", "a")],
    ],
    ids=str,
)
def test_nobody_else_may(make_scope: MakeScope, headers: list[tuple[str, str]]) -> None:
    assert fields(make_scope("GET", "/", headers), [], SITES) == VARIES
    assert not is_reader(make_scope("GET", "/", headers), SITES)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_reads_is_allowed(make_scope: MakeScope, method: str) -> None:
    assert fields(make_scope(method, "/", [ORIGIN]), [], SITES) == []


def test_an_edge_that_was_told_of_no_site_says_nothing(make_scope: MakeScope) -> None:
    assert fields(make_scope("GET", "/", [ORIGIN]), [], frozenset()) == []


def test_a_policy_of_the_app_stays_as_it_is(make_scope: MakeScope) -> None:
    own = [(b"access-control-allow-origin", b"*")]
    assert fields(make_scope("GET", "/", [ORIGIN]), own, SITES) == []


@pytest.mark.parametrize(
    ("headers", "scripted"),
    [
        ([ORIGIN, ("accept", "text/html")], True),
        ([ORIGIN, ("accept", "*/*")], False),
        ([("origin", "https://evil.example"), ("accept", "text/html")], False),
    ],
    ids=str,
)
def test_a_page_for_another_site_has_the_script_and_can_be_read(
    make_host: Callable[..., Host], make_scope: MakeScope, headers: list[tuple[str, str]], scripted: bool
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    responder = Responder(make_scope("GET", "/", headers), send, make_host(sites=SITES))
    asyncio.run(responder.begin(200, [(b"content-type", b"text/html")], b"tea"))
    assert sent[1]["body"] == (b"tea" + TAG if scripted else b"tea")
    readable = ALLOWED if headers[0] == ORIGIN else VARIES
    assert [pair for pair in sent[0]["headers"] if pair in ALLOWED] == readable
    assert not any(name == b"access-control-allow-credentials" for name, _ in sent[0]["headers"])
