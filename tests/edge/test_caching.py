"""What an answer says to caches."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.caching import caching_of, controls, is_shareable, made_private
from edge.testing import Client

CDN = [(b"cache-control", b"private"), (b"cdn-cache-control", b"public, max-age=60")]


@pytest.mark.parametrize(
    ("headers", "shareable"),
    [
        ([], False),
        ([(b"cache-control", b"")], False),
        ([(b"cache-control", b"Private, max-age=60")], False),
        ([(b"cache-control", b"private"), (b"cache-control", b"max-age=60")], False),
        ([(b"cache-control", b"max-age=60")], True),
        ([(b"cdn-cache-control", b"no-store")], False),
        ([(b"cache-control", b"public"), (b"cdn-cache-control", b"no-store")], True),
        (CDN, True),
        ([(b"surrogate-control", b"max-age=60")], True),
        ([(b"cache-control", b"no-store"), (b"cloudflare-cdn-cache-control", b"max-age=60")], True),
    ],
)
def test_an_answer_is_for_everybody_if_one_cache_is_told_so(headers: Any, shareable: bool) -> None:
    """case T6"""
    assert is_shareable(headers) is shareable
    assert not is_shareable(made_private(headers))


def test_lines_of_cache_control_count_together() -> None:
    assert (
        caching_of([(b"cache-control", b"Private"), (b"cache-control", b"max-age=1")]) == b"private,max-age=1"
    )
    assert not controls(b"expires")


@pytest.mark.parametrize("name", ["CDN-Cache-Control", "Surrogate-Control", "Vercel-CDN-Cache-Control"])
def test_delivery_network_is_not_told_to_keep_cookies(name: str) -> None:
    """case T6: a cache in front would make everybody the same guest."""

    async def show(request: Request) -> Response:
        if request.method == "POST" or request.url.query:
            context(request).state[request.method] = 1
        return PlainTextResponse("x", headers={"cache-control": "private", name: "public, max-age=60"})

    client = Client(Stateless(Starlette(routes=[Route("/", show, methods=["GET", "POST"])])))
    for answer in (client.get("/?a"), client.post("/")):
        assert "set-cookie" in answer.headers
        assert (answer.headers["cache-control"], name in answer.headers) == ("private, no-cache", False)
    answer = client.get("/")
    assert ("set-cookie" in answer.headers, answer.headers[name]) == (False, "public, max-age=60")
    worker = client.get("/", headers={"edgekit-client": "1"})
    assert "edgekit-user" not in worker.headers["server-timing"]
