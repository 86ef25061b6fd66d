"""Case T5: the address of the site decides, on CPython and in Pyodide on Node.js alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from edge.security_headers import SECURE

HSTS = SECURE[0][0].decode()
Ask = Callable[..., Any]


@pytest.fixture(params=["native_site", "node_site"])
def site(request: pytest.FixtureRequest) -> str:
    """The URL of an edge whose address is https://tea.example."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(params=["native_url", "node_url"])
def local(request: pytest.FixtureRequest) -> str:
    """The URL of an edge that has no address."""
    return str(request.getfixturevalue(request.param))


HERE = ("host", "tea.example")


def test_cookies_and_hsts_are_those_of_https(site: str, ask: Ask) -> None:
    for forwarded in ([], [("x-forwarded-proto", "http")], [("x-forwarded-proto", "https")]):
        answer = ask(site, "GET", "/visit", HERE, *forwarded)
        cookies = answer.headers["set-cookie"].splitlines()
        assert answer.status == 200
        assert all(one.startswith("__Host-") and "; Secure" in one for one in cookies)
        assert answer.headers[HSTS] == "max-age=31536000"


def test_a_refusal_before_the_app_has_hsts_too(site: str, ask: Ask) -> None:
    for method, headers in (("TRACE", [HERE]), ("GET", []), ("GET", [HERE, ("x-a", "b" * 20_000)])):
        answer = ask(site, method, "/text", *headers)
        assert 400 <= answer.status < 500
        assert answer.headers[HSTS] == "max-age=31536000"


def test_the_default_port_is_no_other_address(site: str, ask: Ask) -> None:
    assert ask(site, "GET", "/text", ("host", "TEA.example:443")).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "localhost", "tea.example:80", "tea.example.", "0x7f.1", "xn--a.example"],
)
@pytest.mark.parametrize("target", ["/text", "/_edge/health", "/sw.js"])
def test_another_host_is_refused(site: str, ask: Ask, host: str, target: str) -> None:
    answer = ask(site, "GET", target, ("host", host), ("x-forwarded-host", "tea.example"))
    assert (answer.status, json.loads(answer.body)["code"]) == (421, "misdirected-request")
    assert host not in answer.body.decode()


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["tea.example", "tea.example"],
        ["tea.example", "evil.example"],
        ["tea.example/"],
        ["a@tea.example"],
    ],
)
def test_one_host_and_a_well_formed_one(site: str, ask: Ask, hosts: list[str]) -> None:
    answer = ask(site, "GET", "/text", *(("host", host) for host in hosts))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "malformed-header")


def test_without_an_address_it_is_this_machine_over_http(local: str, ask: Ask) -> None:
    for host in ("localhost", "shop.localhost:8000", "127.0.0.1:1", "127.3.2.1", "[::1]:8000"):
        answer = ask(local, "GET", "/visit", ("host", host), ("x-forwarded-proto", "https"))
        assert (answer.status, HSTS in answer.headers) == (200, False)
        assert "Secure" not in answer.headers["set-cookie"]
    for host in ("tea.example", "0x7f.1", "2130706433", "10.0.0.1", "localhost.example", "[::]"):
        assert ask(local, "GET", "/text", ("host", host)).status == 421
