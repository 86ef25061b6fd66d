"""The cookies that carry a visitor's tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge import cookies

MakeScope = Callable[..., dict[str, Any]]
TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"


@pytest.mark.parametrize("which", cookies.ALL)
def test_cookie_is_out_of_reach_of_scripts_and_other_sites(make_scope: MakeScope, which: str) -> None:
    name, value = cookies.write(make_scope(), which, TOKEN, 600)
    first, *attributes = value.decode().split("; ")
    assert (name, first) == (b"set-cookie", f"edgekit-{which}={TOKEN}")
    assert attributes == ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Lax"]


@pytest.mark.parametrize("which", cookies.ALL)
def test_cookie_over_https_is_bound_to_the_host(make_scope: MakeScope, which: str) -> None:
    _, value = cookies.write(make_scope(scheme="https"), which, TOKEN, 600)
    assert value.decode() == (
        f"__Host-edgekit-{which}={TOKEN}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
    )


def test_cookie_set_over_http_does_not_count_over_https(make_scope: MakeScope) -> None:
    plain = [("cookie", f"edgekit-session={TOKEN}")]
    assert cookies.read(make_scope("GET", "/", plain), cookies.SESSION) == TOKEN
    assert cookies.read(make_scope("GET", "/", plain, scheme="https"), cookies.SESSION) is None
    prefixed = [("cookie", f"__Host-edgekit-session={TOKEN}")]
    assert cookies.read(make_scope("GET", "/", prefixed, scheme="https"), cookies.SESSION) == TOKEN
    assert cookies.read(make_scope("GET", "/", prefixed), cookies.SESSION) is None


@pytest.mark.parametrize(
    "others",
    ["", "a=1; ", 'prefs={"theme":"dark"}; ', "list[0]=1; ", "no-value; ", "=nameless; ", "a=\xe9; ", "; "],
    ids=range(8),
)
def test_other_cookies_do_not_hide_ours(make_scope: MakeScope, others: str) -> None:
    for cookie in (f"{others}edgekit-view={TOKEN}", f"edgekit-view={TOKEN}; {others}"):
        assert cookies.read(make_scope("GET", "/", [("cookie", cookie)]), cookies.VIEW) == TOKEN


def test_cookies_may_come_in_several_headers(make_scope: MakeScope) -> None:
    headers = [
        ("cookie", "a=edgekit-view"),
        ("x-cookie", "edgekit-view=x"),
        ("cookie", f"edgekit-view={TOKEN}"),
        ("cookie", "edgekit-sealed=s"),
    ]
    scope = make_scope("GET", "/", headers)
    assert [cookies.read(scope, which) for which in cookies.ALL] == [None, None, TOKEN, "s"]


@pytest.mark.parametrize("cookie", ["", "edgekit-view", "xedgekit-view=1", "other=edgekit-view"])
def test_cookie_that_is_not_there_is_none(make_scope: MakeScope, cookie: str) -> None:
    assert cookies.read(make_scope("GET", "/", [("cookie", cookie)]), cookies.VIEW) is None


def test_erasing_deletes_all_of_them_whatever_came(make_scope: MakeScope) -> None:
    # An answer may have renewed what the request did not have any more.
    for headers in ([], [("cookie", "edgekit-view=v; other=o")]):
        erased = cookies.erase(make_scope("GET", "/", headers))
        assert erased == [cookies.write(make_scope(), which, "", 0) for which in cookies.ALL]
        assert all(b"=; " in value and b"Max-Age=0" in value for _, value in erased)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("theme=dark", "theme=dark"),
        ("edgekit-view=x; theme=dark; edgekit-session=y", "theme=dark"),
        ("theme=dark; edgekit-view=x", "theme=dark"),
        ("edgekit-other=x", "edgekit-other=x"),
        ("__Host-edgekit-view=x", "__Host-edgekit-view=x"),
        ("not a cookie; edgekit-view", "not a cookie"),
    ],
)
def test_an_app_sees_its_own_cookies_only(make_scope, sent, seen):
    scope = make_scope("GET", "/", [("cookie", sent), ("accept", "*/*")])
    assert cookies.without_ours(scope, scope["headers"]) == [(b"cookie", seen.encode()), (b"accept", b"*/*")]


def test_no_header_is_left_of_our_cookies_alone_nor_are_our_headers(make_scope):
    headers = [("cookie", "edgekit-view=x; edgekit-session=y"), ("edgekit-client", "1"), ("accept", "*/*")]
    scope = make_scope("GET", "/", headers)
    assert cookies.without_ours(scope, scope["headers"]) == [(b"accept", b"*/*")]


def test_over_https_ours_have_the_prefix(make_scope):
    scope = make_scope("GET", "/", [("cookie", "__Host-edgekit-view=x; a=b; edgekit-view=y")], scheme="https")
    assert cookies.without_ours(scope, scope["headers"]) == [(b"cookie", b"a=b; edgekit-view=y")]
