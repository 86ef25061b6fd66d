"""Who may open a WebSocket (case T12): our own pages, at our address; nobody on bound routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from edge import Stateless
from edge.public_address import PublicAddress

SITE = ("host", "tea.example")


@pytest.fixture
def open_socket(make_host: Callable[..., Any], make_scope: Callable[..., Any]) -> Callable[..., list[Any]]:
    """`open_socket(path, headers)`: what an app behind the kit sends, or the kit in its place."""

    def open_socket(path: str, headers: list[tuple[str, str]], **members: Any) -> list[Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept", "to": f"{scope['scheme']}://{scope['server'][0]}"})

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        sent: list[Any] = []
        stateless = Stateless(app, bound=["/safe"], foreign=["/open"])
        stateless.bind(make_host(address=PublicAddress.of("https://tea.example")))
        scope = make_scope("GET", path, headers, type="websocket", scheme="ws", **members)
        del scope["method"]
        asyncio.run(stateless(scope, receive, send))
        return sent

    return open_socket


Open = Callable[..., list[Any]]


@pytest.mark.parametrize(
    "headers",
    [[], [("origin", "https://tea.example")], [("sec-fetch-site", "same-origin")]],
    ids=["a program", "a page", "a page that says so"],
)
def test_the_site_opens_its_own(open_socket: Open, headers: list[tuple[str, str]]) -> None:
    assert open_socket("/chat", [SITE, *headers]) == [{"type": "websocket.accept", "to": "wss://tea.example"}]


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/chat", [SITE, ("origin", "https://evil.example")], "forbidden"),
        ("/chat", [SITE, ("origin", "http://tea.example")], "forbidden"),
        ("/chat", [SITE, ("origin", "https://a.tea.example")], "forbidden"),
        ("/chat", [SITE, ("origin", "null")], "forbidden"),
        ("/chat", [SITE, ("sec-fetch-site", "same-site")], "forbidden"),
        ("/chat", [SITE, ("referer", "https://evil.example/")], "forbidden"),
        ("/chat", [("host", "evil.example"), ("origin", "https://evil.example")], "misdirected-request"),
        ("/chat", [], "malformed-header"),
        ("/chat", [SITE, ("x-big", "x" * 17_000)], "headers-too-large"),
        ("/safe", [SITE], "device-required"),
        ("/SAFE/", [SITE, ("origin", "https://tea.example")], "device-required"),
    ],
)
def test_others_are_refused(open_socket: Open, path: str, headers: list[tuple[str, str]], code: str) -> None:
    assert open_socket(path, headers) == [{"type": "websocket.close", "code": 1008, "reason": code}]
    start, body = open_socket(path, headers, extensions={"websocket.http.response": {}})
    assert (start["type"], body["type"]) == ("websocket.http.response.start", "websocket.http.response.body")
    assert dict(start["headers"])[b"x-content-type-options"] == b"nosniff"
    assert dict(start["headers"])[b"strict-transport-security"] == b"max-age=31536000"
    assert json.loads(body["body"]) | {"status": start["status"], "code": code} == json.loads(body["body"])


def test_a_route_may_ask_for_other_sites(open_socket: Open) -> None:
    (message,) = open_socket("/open", [SITE, ("origin", "https://evil.example")])
    assert message["type"] == "websocket.accept"


@pytest.mark.parametrize(
    ("address", "prefix"), [("https://tea.example", "__Host-"), ("http://tea.example", "")]
)
def test_app_does_not_see_the_kits_cookies(
    make_host: Callable[..., Any], make_scope: Callable[..., Any], address: str, prefix: str
) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])

    stateless = Stateless(app)
    stateless.bind(make_host(address=PublicAddress.of(address)))
    mixed = ("cookie", f"a=1; {prefix}edgekit-session=x; {prefix}edgekit-refresh =y")
    scope = make_scope("GET", "/", [SITE, mixed, ("edgekit-client", "1")], type="websocket", scheme="ws")
    asyncio.run(stateless(scope, None, None))  # type: ignore[arg-type]
    assert seen == [(b"host", b"tea.example"), (b"cookie", b"a=1")]
