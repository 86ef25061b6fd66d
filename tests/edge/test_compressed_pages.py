"""Apps that compress their pages themselves: case P10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from edge import Stateless
from edge.host import Host
from edge.page_script import TAG
from edge.visitor import PayloadVisitors

NAVIGATION = [("accept-encoding", "gzip, br"), ("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")]
SCRIPT = [("accept-encoding", "gzip, br"), ("sec-fetch-dest", "empty"), ("sec-fetch-mode", "cors")]


async def show(_: Request) -> Response:
    return HTMLResponse("<body>" + "tea " * 500 + "</body>")


@pytest.fixture
def get(make_host: Callable[..., Host], call: Callable[..., Any]) -> Callable[..., Any]:
    """`get(headers, name="browser", script=False)`: the page, from that host."""

    def get(headers: Any, name: str = "native", *, script: bool = True) -> Any:
        app = Stateless(
            Starlette(routes=[Route("/", show)], middleware=[Middleware(GZipMiddleware)]), script=script
        )
        app.bind(make_host(name=name, **({"visitors": PayloadVisitors()} if name == "browser" else {})))
        return call(app, "GET", "/", headers)

    return get


@pytest.mark.parametrize("name", ["native", "edge", "browser"])
def test_a_page_gets_its_script_all_the_same(get: Callable[..., Any], name: str) -> None:
    heard = get(NAVIGATION, name)
    assert TAG in heard.body
    assert heard.header("content-encoding") is None


def test_what_a_script_asks_for_may_be_compressed_but_not_in_the_browser(get: Callable[..., Any]) -> None:
    assert get(SCRIPT).header("content-encoding") == "gzip"
    assert get(SCRIPT, "browser").header("content-encoding") is None


def test_where_no_script_is_added_pages_may_be_compressed(get: Callable[..., Any]) -> None:
    assert get(NAVIGATION, script=False).header("content-encoding") == "gzip"
