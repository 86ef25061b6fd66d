"""The address of a site, and which requests are for it (case T5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from edge import Stateless, context
from edge.errors import Problem
from edge.public_address import PublicAddress, is_loopback

Scope = dict[str, Any]
MakeScope = Callable[..., Scope]
SITE = PublicAddress.of("https://tea.example")


def admitted(address: PublicAddress, make_scope: MakeScope, *hosts: str, **members: Any) -> Scope:
    scope = make_scope("GET", "/", [("host", host) for host in hosts], **members)
    address.admit(scope)
    return scope


def refusal(address: PublicAddress, make_scope: MakeScope, *hosts: str) -> str:
    with pytest.raises(Problem) as refused:
        admitted(address, make_scope, *hosts)
    return refused.value.code


@pytest.mark.parametrize(
    "host", ["tea.example", "TEA.example", "tea.example:443", "tea.example:", "\ttea.example\t"]
)
def test_every_spelling_of_the_site_comes_to_the_same(make_scope: MakeScope, host: str) -> None:
    scope = admitted(SITE, make_scope, host)
    assert (scope["scheme"], scope["server"]) == ("https", ("tea.example", 443))
    assert scope["headers"] == [(b"host", b"tea.example")]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "tea.example.evil.example",
        "a.tea.example",
        "tea.example:80",
        "tea.example:8443",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]",
        "tea.example.",
    ],
)
def test_another_host_is_another_sites(make_scope: MakeScope, host: str) -> None:
    assert refusal(SITE, make_scope, host) == "misdirected-request"


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "tea.example/",
        "tea.example@evil.example",
        "a@tea.example",
        "tea.example, evil.example",
        "[::1",
        "tea.example:x",
        "tea.example:99999",
        "tea.example:443:443",
        "téa.example",
        "tea.example\n",
        "-",
    ],
)
def test_what_is_no_host_is_refused(make_scope: MakeScope, host: str) -> None:
    assert refusal(SITE, make_scope, host) == "malformed-header"


def test_there_is_one_host(make_scope: MakeScope) -> None:
    """RFC 9112 section 3.2: neither none nor two, even if they are the same."""
    assert refusal(SITE, make_scope) == "malformed-header"
    assert refusal(SITE, make_scope, "tea.example", "tea.example") == "malformed-header"
    assert refusal(SITE, make_scope, "tea.example", "evil.example") == "malformed-header"


def test_what_a_proxy_made_of_the_scheme_does_not_count(make_scope: MakeScope) -> None:
    assert admitted(PublicAddress(), make_scope, "localhost:8000", scheme="https")["scheme"] == "http"
    assert admitted(SITE, make_scope, "tea.example", scheme="http")["scheme"] == "https"
    assert admitted(SITE, make_scope, "tea.example", type="websocket", scheme="ws")["scheme"] == "wss"
    assert (
        admitted(PublicAddress(), make_scope, "localhost", type="websocket", scheme="wss")["scheme"] == "ws"
    )
    plain = PublicAddress.of("http://192.168.1.7:8000")
    assert admitted(plain, make_scope, "192.168.1.7:8000", scheme="https")["scheme"] == "http"


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("localhost", ("localhost", 80)),
        ("shop.localhost:8000", ("shop.localhost", 8000)),
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("127.1.2.3", ("127.1.2.3", 80)),
        ("[::1]:8000", ("::1", 8000)),
    ],
)
def test_without_an_address_this_machine_is_meant(
    make_scope: MakeScope, host: str, server: tuple[str, int]
) -> None:
    assert admitted(PublicAddress(), make_scope, host)["server"] == server


@pytest.mark.parametrize(
    "name",
    [
        "tea.example",
        "0.0.0.0",
        "10.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.01",
        "[::]",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "[::ffff:127.0.0.1]",
    ],
)
def test_all_else_is_not_this_machine(make_scope: MakeScope, name: str) -> None:
    assert not is_loopback(name)
    assert refusal(PublicAddress(), make_scope, name) == "misdirected-request"


# As a whole


async def tell(request: Any) -> JSONResponse:
    context(request).state["seen"] = True
    return JSONResponse({"url": str(request.url), "link": str(request.url_for("tell"))})


APP = Starlette(routes=[Route("/tell", tell), Mount("/sub", Starlette(routes=[Route("/x/", tell)]))])


@pytest.fixture
def site(make_host: Callable[..., Any]) -> Stateless:
    app = Stateless(APP)
    app.bind(make_host(address=SITE))
    return app


def test_the_address_decides_links_cookies_and_hsts(site: Stateless, call: Callable[..., Any]) -> None:
    heard = call(site, "GET", "/tell", [("host", "TEA.example:443"), ("x-forwarded-proto", "http")])
    assert heard.body == b'{"url":"https://tea.example/tell","link":"https://tea.example/tell"}'
    cookies = [value for name, value in heard.headers if name == b"set-cookie"]
    assert cookies
    assert all(value.startswith(b"__Host-") and b"; Secure" in value for value in cookies)
    assert heard.header("strict-transport-security") == "max-age=31536000"


def test_a_redirect_of_the_router_leads_to_the_site(site: Stateless, call: Callable[..., Any]) -> None:
    heard = call(site, "GET", "/sub/x", [("host", "tea.example:443")])
    assert (heard.status, heard.header("location")) == (307, "https://tea.example/sub/x/")


@pytest.mark.parametrize("path", ["/tell", "/_edge/health", "/_edge/keys", "/sw.js", "/sub/x"])
def test_nothing_is_answered_under_another_name(site: Stateless, call: Callable[..., Any], path: str) -> None:
    heard = call(site, "GET", path, [("host", "evil.example"), ("x-forwarded-host", "tea.example")])
    assert (heard.status, heard.header("edgekit-problem")) == (421, "misdirected-request")
    assert heard.header("cache-control") == "no-store"
    assert heard.header("strict-transport-security") == "max-age=31536000"
    assert b"evil" not in heard.body
    assert heard.header("set-cookie") is None


def test_a_test_client_of_starlette_is_told_of_the_kits_own(make_scope: MakeScope) -> None:
    with pytest.raises(Problem, match=r"edge\.testing\.Client") as refused:
        admitted(PublicAddress.of(None), make_scope, "testserver")
    assert refused.value.code == "misdirected-request"
