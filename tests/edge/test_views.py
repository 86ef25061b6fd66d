"""Where a view comes from, and how a changed one goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.errors import NeedsEdge, Problem
from edge.keys import NativeKeys, fixed, generate
from edge.state import STATE_LIMIT
from edge.tokens import VIEW_LIFE, mint_assertion, open_view
from edge.types import Principal, View
from edge.views import CookieViews, PayloadViews, cookie_name

VIEW = View("guest", 2, {"cups": 1}, ("key-one",))
Scope = dict[str, Any]


@pytest.fixture
def views(keys: NativeKeys, clock: Callable[[], float]) -> CookieViews:
    return CookieViews(keys, keys, clock)


@pytest.fixture
def issue(views: CookieViews, make_scope: Callable[..., Scope]) -> Callable[..., dict[bytes, bytes]]:
    """`issue(view, headers, scheme=…)`: the response headers that hand `view` out."""

    def issue(view: View = VIEW, headers: dict[str, str] | None = None, **members: Any) -> dict[bytes, bytes]:
        scope = make_scope("GET", "/", (headers or {}).items(), **members)
        return dict(asyncio.run(views.issue(scope, view)))

    return issue


@pytest.fixture
def token(issue: Callable[..., dict[bytes, bytes]]) -> str:
    return issue()[b"set-cookie"].split(b";")[0].partition(b"=")[2].decode()


def opened(views: CookieViews, scope: Scope) -> View | None:
    return asyncio.run(views.open(scope))


def test_issued_cookie_opens_again(
    views: CookieViews, token: str, make_scope: Callable[..., Scope], clock: Callable[[], float]
) -> None:
    scope = make_scope("GET", "/", [("cookie", f"edgekit-view={token}")])
    assert opened(views, scope) == View("guest", 2, {"cups": 1}, ("key-one",), int(clock()))


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(issue: Callable[..., dict[bytes, bytes]]) -> None:
    attributes = issue()[b"set-cookie"].decode().split("; ")[1:]
    assert attributes == ["Path=/", f"Max-Age={VIEW_LIFE}", "HttpOnly", "SameSite=Lax"]


def test_cookie_over_https_is_bound_to_the_host(issue: Callable[..., dict[bytes, bytes]]) -> None:
    cookie = issue(scheme="https")[b"set-cookie"].decode()
    assert cookie.startswith("__Host-edgekit-view=")
    assert cookie.endswith("; Secure")
    assert "Domain" not in cookie


def test_cookie_set_over_http_does_not_count_over_https(
    views: CookieViews, token: str, make_scope: Callable[..., Scope]
) -> None:
    scope = make_scope("GET", "/", [("cookie", f"edgekit-view={token}")], scheme="https")
    assert opened(views, scope) is None
    scope = make_scope("GET", "/", [("cookie", f"__Host-edgekit-view={token}")], scheme="https")
    assert opened(views, scope) is not None


def test_only_a_service_worker_sees_the_token_in_a_header(
    issue: Callable[..., dict[bytes, bytes]], keys: NativeKeys, clock: Callable[[], float]
) -> None:
    assert issue()[b"edgekit-view"] == b"changed"
    told = issue(headers={"edgekit-client": "1"})[b"edgekit-view"].decode()
    assert asyncio.run(open_view(told, keys, clock())).subject == "guest"


@pytest.mark.parametrize(
    "others",
    ["", "a=1; ", 'prefs={"theme":"dark"}; ', "list[0]=1; ", "no-value; ", "=nameless; ", "a=\xe9; ", "; "],
)
def test_other_cookies_do_not_hide_ours(
    views: CookieViews, token: str, make_scope: Callable[..., Scope], others: str
) -> None:
    for cookie in (f"{others}edgekit-view={token}", f"edgekit-view={token}; {others}"):
        assert opened(views, make_scope("GET", "/", [("cookie", cookie)])) is not None


def test_cookies_may_come_in_several_headers(
    views: CookieViews, token: str, make_scope: Callable[..., Scope]
) -> None:
    headers = [("cookie", "a=1"), ("cookie", f"edgekit-view={token}"), ("cookie", "b=2")]
    assert opened(views, make_scope("GET", "/", headers)) is not None


@pytest.mark.parametrize(
    "cookie", ["", "edgekit-view", "edgekit-view=", "edgekit-view=x", "xedgekit-view=1", "other=edgekit-view"]
)
def test_without_a_good_cookie_there_is_no_view(
    views: CookieViews, make_scope: Callable[..., Scope], cookie: str
) -> None:
    assert opened(views, make_scope("GET", "/", [("cookie", cookie)])) is None


def test_tampered_foreign_and_expired_tokens_are_no_view(
    views: CookieViews, token: str, make_scope: Callable[..., Scope], clock: Any, keys: NativeKeys
) -> None:
    stranger = NativeKeys(fixed(generate()), clock)
    foreign = CookieViews(stranger, stranger, clock)
    headers = dict(asyncio.run(foreign.issue(make_scope("GET", "/", [("edgekit-client", "1")]), VIEW)))
    call = asyncio.run(mint_assertion(keys, Principal("guest"), "GET", "/", b"", "", clock))
    for bad in (token[:-2] + "AA", token.swapcase(), headers[b"edgekit-view"].decode(), call):
        assert opened(views, make_scope("GET", "/", [("cookie", f"edgekit-view={bad}")])) is None
    clock.now += VIEW_LIFE + 60
    assert opened(views, make_scope("GET", "/", [("cookie", f"edgekit-view={token}")])) is None


def test_largest_allowed_state_still_fits_into_one_cookie(issue: Callable[..., dict[bytes, bytes]]) -> None:
    state = {"x": "y" * (STATE_LIMIT - len('{"x":""}'))}
    view = View("g" * 26, 2**40, state, tuple(str(n) * 64 for n in range(8)))
    cookie = issue(view, scheme="https")[b"set-cookie"]
    assert len(cookie) <= 4096


def test_view_over_the_limit_is_refused(issue: Callable[..., dict[bytes, bytes]]) -> None:
    with pytest.raises(Problem, match="state-too-large"):
        issue(View("guest", 1, {"x": "y" * 4096}))


def test_cookie_name_depends_on_the_scheme_alone() -> None:
    assert cookie_name({"scheme": "http"}) == "edgekit-view"
    assert cookie_name({"scheme": "https"}) == "__Host-edgekit-view"


def test_browser_takes_the_claims_that_the_service_worker_verified(make_scope: Callable[..., Scope]) -> None:
    claims = {"sub": "guest", "ver": 2, "state": {"cups": 1}, "keys": ["key-one"], "iat": 7, "exp": 8}
    scope = make_scope(**{"edgekit.view": claims})
    assert asyncio.run(PayloadViews().open(scope)) == View("guest", 2, {"cups": 1}, ("key-one",), 7)
    assert asyncio.run(PayloadViews().open(make_scope())) is None


def test_browser_signs_nothing(make_scope: Callable[..., Scope]) -> None:
    with pytest.raises(NeedsEdge):
        asyncio.run(PayloadViews().issue(make_scope(), VIEW))
