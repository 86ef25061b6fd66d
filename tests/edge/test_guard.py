"""Guarded routes: no spelling that any router takes for one of them gets past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware

from edge.guard import Guard, root_paths

MakeScope = Callable[..., dict[str, Any]]
GUARD = Guard(["/transfer", "/account/{rest:path}", "/orders/{number:int}/pay", "/_edge/records/user/cards"])


@pytest.mark.parametrize(
    "path",
    [
        *("/transfer", "/transfer/", "//transfer", "/transfer//", "///transfer", "/Transfer", "/TRANSFER/"),
        *(
            "/transfer ",
            "/transfer\u00a0",
            "/%74ransfer",
            "/ transfer/ ",
            "/transfer%2F",
            "/transfer\n",
        ),
        *("/account", "/account/", "/account/x/y", "//account//x", "/ACCOUNT/x", "/account/x/"),
        *(
            "/x/..%2Faccount/y",
            "/x%2f../account/y",
            "/.%2Ftransfer",
            "/a%2Fb%2f..%2f../transfer",
            "/..%2ftransfer",
        ),
        *("/orders/7/pay", "/orders//7/pay/", "/_edge/records/user/cards"),
    ],
)
def test_what_a_router_may_take_for_it_is_guarded(make_scope: MakeScope, path: str) -> None:
    """case T2"""
    assert GUARD.covers(make_scope("GET", path))
    assert GUARD.covers(make_scope("POST", f"/shop{path}", root_path="/shop"))
    assert GUARD.covers({"type": "websocket", "path": path})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/transfers",
        "/transfer/x",
        "/a/transfer",
        "/accounts",
        "/orders/x/pay",
        "/orders/7",
        "/sw.js",
    ],
)
def test_what_is_something_else_is_not(make_scope: MakeScope, path: str) -> None:
    assert not GUARD.covers(make_scope("GET", path))


def test_below_a_mount_the_whole_path_may_be_meant_too(make_scope: MakeScope) -> None:
    guard = Guard(["/shop/transfer"])
    assert guard.covers(make_scope("GET", "/shop/transfer", root_path="/shop"))
    assert not guard.covers(make_scope("GET", "/shop/other", root_path="/shop"))


def test_prefix_that_the_app_takes_off_itself_hides_nothing(make_scope: MakeScope) -> None:
    """case T2: FastAPI(root_path="/api") takes /api/transfer for /transfer."""
    api = Starlette()
    api.root_path = "/api"  # type: ignore[attr-defined]
    guard = Guard(["/transfer"], root_paths(GZipMiddleware(api)))
    for path in ("/transfer", "/api/transfer", "/api//Transfer/", "/api/x/..%2Ftransfer"):
        assert guard.covers(make_scope("POST", path))
    assert not guard.covers(make_scope("POST", "/apis/transfer"))
    assert root_paths(Starlette()) == root_paths(None) == []


def test_without_patterns_nothing_is_guarded(make_scope: MakeScope) -> None:
    assert not Guard([]).covers(make_scope("GET", "/"))


def test_pattern_without_a_slash_in_front_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="slash"):
        Guard(["transfer"])
