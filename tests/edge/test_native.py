"""The CPython host: its settings, and both of its ways to the origin."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from edge import Stateless
from edge.errors import Problem
from edge.hosts import default
from edge.hosts.native import OriginTransport, Settings, host
from edge.keys import fixed, load_or_create
from edge.keyset import KeySet
from edge.public_address import PublicAddress

VARIABLES = tuple(
    f"EDGEKIT_{name}"
    for name in (
        *("ORIGIN", "ORIGIN_KEYS", "KEYS", "RELEASE"),
        *("DEVELOPMENT", "SITES", "ADDRESS", "CATALOG_MEMORY"),
    )
)
Handler = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`environment(EDGEKIT_…="value")`: these variables and no others of the kit."""

    def setup(**variables: str) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    setup()
    return setup


# Settings


def test_everything_is_optional(environment: Callable[..., None]) -> None:
    assert Settings.from_environment() == Settings(None, None, None, False)


def test_settings_are_read_from_the_environment(environment: Callable[..., None], tmp_path: Path) -> None:
    jwks = load_or_create(tmp_path)
    (tmp_path / "_edge").mkdir()
    environment(
        EDGEKIT_ORIGIN="http://origin:1",
        EDGEKIT_KEYS=str(tmp_path / "edge-private.json"),
        EDGEKIT_RELEASE=str(tmp_path),
        EDGEKIT_DEVELOPMENT="1",
        EDGEKIT_ORIGIN_KEYS=str(tmp_path / "edge-public.json"),
    )
    found = Settings.from_environment()
    assert found == Settings("http://origin:1", found.keys, tmp_path, True, found.origin_keys)
    for keys in (found.keys, found.origin_keys):
        assert keys is not None
        assert keys().set.public(0) == KeySet(jwks).public(0)


def test_key_file_that_is_missing_or_broken_stops_the_start(
    environment: Callable[..., None], tmp_path: Path
) -> None:
    environment(EDGEKIT_KEYS=str(tmp_path / "none.json"))
    with pytest.raises(ValueError, match=r"^EDGEKIT_KEYS: .*none\.json: No such file or directory\.$"):
        Settings.from_environment()
    (tmp_path / "broken.json").write_text("{")
    environment(EDGEKIT_KEYS=str(tmp_path / "broken.json"))
    with pytest.raises(ValueError, match="line 1"):
        Settings.from_environment()


# case N9
def test_a_release_that_is_none_stops_the_start(environment: Callable[..., None], tmp_path: Path) -> None:
    environment(EDGEKIT_RELEASE=str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"^EDGEKIT_RELEASE: there is no folder "):
        Settings.from_environment()
    environment(EDGEKIT_RELEASE=str(tmp_path))
    assert Settings.from_environment().release == tmp_path  # nothing has been built yet
    (tmp_path / "letter.txt").touch()
    with pytest.raises(ValueError, match=r"^EDGEKIT_RELEASE: .* holds no release; name the folder"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EDGEKIT_KEYS", "/none.json"),
        ("EDGEKIT_KEYS", "{"),
        ("EDGEKIT_ORIGIN_KEYS", "/none.json"),
        ("EDGEKIT_ORIGIN", "10.0.0.5:8001"),
        ("EDGEKIT_ORIGIN", "http://a:1,b"),
        ("EDGEKIT_ORIGIN", "http://a:port"),
        ("EDGEKIT_RELEASE", "/none"),
        ("EDGEKIT_SITES", "tea.example"),
        ("EDGEKIT_ADDRESS", "tea.example"),
        ("EDGEKIT_CATALOG_MEMORY", "much"),
    ],
)
def test_a_wrong_setting_refuses_to_start_and_is_named(
    environment: Callable[..., None], name: str, value: str
) -> None:
    """Case N9: under any server, which asks for the lifespan first."""
    environment(**{name: value})
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Stateless(Starlette())({"type": "lifespan"}, receive, send))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert sent[0]["message"].startswith(f"{name}: ")
    assert len(sent[0]["message"].splitlines()) == 1


def test_sites_that_may_read_are_origins(environment: Callable[..., None]) -> None:
    environment(EDGEKIT_SITES="https://tea.example,https://b.example:8443")
    sites = Settings.from_environment().sites
    assert sites == {"https://tea.example", "https://b.example:8443"}
    assert host(Settings(sites=sites), {}).sites == sites
    environment(EDGEKIT_SITES="https://tea.example/shop")
    with pytest.raises(ValueError, match="is not an origin"):
        Settings.from_environment()


# case T5
def test_the_address_of_the_site_is_an_origin(environment: Callable[..., None]) -> None:
    environment(EDGEKIT_ADDRESS="https://Tea.example:443")
    settings = Settings.from_environment()
    assert settings.address == PublicAddress("https://tea.example")
    assert host(settings, {}).address == settings.address
    for wrong in ("tea.example", "https://tea.example/", "ftp://tea.example", "https://a:b@tea.example"):
        environment(EDGEKIT_ADDRESS=wrong)
        with pytest.raises(ValueError, match="is not an origin"):
            Settings.from_environment()


def test_room_for_the_catalog_is_read_from_the_environment(environment: Callable[..., None]) -> None:
    environment(EDGEKIT_CATALOG_MEMORY="64")
    assert Settings.from_environment().catalog_bytes == 64 * 1024 * 1024
    environment(EDGEKIT_CATALOG_MEMORY="64 MB")
    with pytest.raises(ValueError, match="EDGEKIT_CATALOG_MEMORY"):
        Settings.from_environment()


# The host


def test_host_without_a_key_says_so_and_works(caplog: pytest.LogCaptureFixture) -> None:
    made = host(Settings(), {})
    assert "EDGEKIT_KEYS is not set" in caplog.text
    assert made.name == "native"
    assert made.keys is not None
    assert "d" not in made.keys.jwks["keys"][0]
    asyncio.run(made.close())


def test_host_with_a_key_keeps_quiet(caplog: pytest.LogCaptureFixture, jwks: dict[str, Any]) -> None:
    with caplog.at_level(logging.WARNING):
        asyncio.run(host(Settings(keys=fixed(jwks)), {}).close())
    assert caplog.messages == []


def test_app_that_nobody_bound_finds_its_host_by_itself(
    environment: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "tea.css").write_text("h1 {}")
    app = Stateless(Starlette(), static={"/static": tmp_path})
    with TestClient(app, "http://localhost") as client:
        assert client.get("/_edge/health").json() == {"status": "ok", "host": "native"}
        assert client.get("/static/tea.css").text == "h1 {}"
        assert client.get("/_edge/catalog/products").json()["code"] == "origin-unavailable"


def test_pyodide_is_told_to_start_from_javascript(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "emscripten")
    with pytest.raises(RuntimeError, match="fetch"):
        default({})


# The ways to the origin


def transport(handler: Handler) -> OriginTransport:
    return OriginTransport("http://origin", httpx2.MockTransport(handler))


async def echo(request: httpx2.Request) -> httpx2.Response:
    seen = {"method": request.method, "url": str(request.url), "headers": dict(request.headers)}
    return httpx2.Response(200, headers={"X-Own": "1"}, json=seen)


def test_public_fetch_sends_the_etag_and_no_credential() -> None:
    way = transport(echo)
    reply = asyncio.run(way.public_fetch("/catalog/products", '"7"'))
    seen = json.loads(reply.body)
    assert seen["method"] == "GET"
    assert seen["url"] == "http://origin/catalog/products"
    assert seen["headers"]["if-none-match"] == '"7"'
    assert not {"authorization", "cookie"} & set(seen["headers"])


def test_reply_has_header_names_in_lower_case() -> None:
    reply = asyncio.run(transport(echo).public_fetch("/", None))
    assert reply.headers["x-own"] == "1"
    assert "if-none-match" not in json.loads(reply.body)["headers"]


def test_fetch_sends_what_it_is_given_exactly() -> None:
    async def see(request: httpx2.Request) -> httpx2.Response:
        assert request.url.raw_path == b"/records/user/cups?limit=2&after=a.b-c"
        assert (request.headers["authorization"], request.content) == ("Bearer x", b"body")
        return httpx2.Response(204)

    way = transport(see)
    target = "/records/user/cups?limit=2&after=a.b-c"
    reply = asyncio.run(way.fetch("POST", target, {"authorization": "Bearer x"}, b"body"))
    assert (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_any_answer_is_an_answer(status: int) -> None:
    async def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"location": "http://elsewhere/"})

    way = transport(answer)
    assert asyncio.run(way.fetch("GET", "/", {}, b"")).status == status
    assert asyncio.run(way.public_fetch("/", None)).status == status


def test_cookies_of_the_origin_go_nowhere_not_even_while_an_answer_is_on_its_way() -> None:
    seen: list[str | None] = []
    arrived, done = asyncio.Event(), asyncio.Event()

    class Slow(httpx2.AsyncByteStream):
        """A body that is not complete before the second request has been made."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            arrived.set()
            await done.wait()
            yield b"{}"

    async def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("cookie"))
        body: Any = {"stream": Slow()} if len(seen) == 1 else {"content": b"{}"}
        return httpx2.Response(200, headers={"set-cookie": "user=ann; Path=/"}, **body)

    async def scene() -> None:
        way = transport(answer)
        first = asyncio.ensure_future(way.public_fetch("/catalog/a", None))
        await arrived.wait()
        await way.public_fetch("/catalog/b", None)
        done.set()
        await first
        await way.fetch("GET", "/records/user/cups/a", {}, b"")

    asyncio.run(scene())
    assert seen == [None, None, None]


def test_catalog_and_users_share_no_connection() -> None:
    way = OriginTransport("http://origin")
    assert way._public._transport is not way._private._transport


def test_connection_that_breaks_is_tried_once_more_for_the_user_and_not_for_the_catalog() -> None:
    tries: list[str] = []

    async def break_once(request: httpx2.Request) -> httpx2.Response:
        tries.append(request.url.path)
        if len(tries) % 2:
            raise httpx2.ReadError("reset by peer")
        return httpx2.Response(200)

    way = transport(break_once)
    assert asyncio.run(way.fetch("POST", "/commit", {}, b"x")).status == 200
    assert tries == ["/commit", "/commit"]
    with pytest.raises(Problem, match="origin-unavailable"):
        asyncio.run(way.public_fetch("/catalog/a", None))
    assert len(tries) == 3


def test_when_one_origin_is_gone_the_next_one_gets_the_same_call_and_the_calls_after_it() -> None:
    tries: list[str] = []

    async def one_is_gone(request: httpx2.Request) -> httpx2.Response:
        tries.append(f"{request.url.host} {request.headers.get('idempotency-key')}")
        if request.url.host == "one":
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200)

    way = OriginTransport("http://one/, http://two", httpx2.MockTransport(one_is_gone))
    assert asyncio.run(way.fetch("POST", "/commit", {"idempotency-key": "k"}, b"x")).status == 200
    assert asyncio.run(way.public_fetch("/catalog/a", None)).status == 200
    assert tries == ["one k", "two k", "two None"]


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.PoolTimeout]
)
def test_origin_that_does_not_answer_is_unavailable(error: type[httpx2.TransportError]) -> None:
    async def fail(request: httpx2.Request) -> httpx2.Response:
        raise error("no")

    way = transport(fail)
    with pytest.raises(Problem, match="origin-unavailable"):
        asyncio.run(way.fetch("GET", "/", {}, b""))


def test_without_an_origin_nothing_is_sent_and_the_problem_says_what_to_do() -> None:
    way = OriginTransport(None)
    for call in (way.public_fetch("/catalog/a", None), way.fetch("GET", "/", {}, b"")):
        with pytest.raises(Problem, match="origin-unavailable") as caught:
            asyncio.run(call)
        assert "EDGEKIT_ORIGIN" in caught.value.detail
    asyncio.run(way.close())
