"""Behind a proxy that ends TLS a session is bound all the same, on CPython and on Node.js alike (case T5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from edge.keys import KeyFile, NativeKeys
from edge.tokens import open_session

from ..edge.conftest import Device

SITE = "https://tea.example"


@pytest.fixture
def site(programs: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """An origin and two native edges of a site at https://tea.example."""
    made = programs.Cluster(tmp_path, EDGEKIT_ADDRESS=SITE)
    yield made
    made.close()


class Browser:
    """Keeps cookies as a browser does over https, though the proxy asks the edge over http."""

    def __init__(self, device: Device) -> None:
        self.device, self.cookies, self._nonce, self._serial = device, dict[str, str](), None, 0

    def ask(
        self, edge: str, method: str, path: str, *, sid: str | None = None, **options: Any
    ) -> httpx2.Response:
        """With a proof, but for `proof=False`; `htu` is where the proof says that it is sent."""
        self._serial += 1
        key, body = f"a-key-of-this-test-{self._serial:06}", options.get("body", b"")
        url = f"{options.get('htu', SITE)}{path}"
        headers = {"host": "tea.example", "content-type": "application/json", "idempotency-key": key}
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if options.get("proof", True):
            made = self.device.prove(method, url, sid=sid, nonce=self._nonce, key=key, body=body)
            headers["dpop"] = made
        answer = httpx2.request(method, f"{edge}{path}", headers=headers, content=body, timeout=60)
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            assert name.startswith("__Host-edgekit-")
            assert "; Secure" in line
            self.cookies[name] = value
        return answer


async def session_of(browser: Browser, keys: Path) -> Any:
    native = NativeKeys(KeyFile(keys / "edge-private.json", time.monotonic), time.time)
    return await open_session(browser.cookies["__Host-edgekit-session"], native, time.time())


async def sid_of(browser: Browser, keys: Path) -> str:
    session = await session_of(browser, keys)
    assert session.jkt == browser.device.jkt
    sid: str = session.sid
    return sid


@pytest.mark.parametrize("host", ["native", "node"])
def test_a_stolen_cookie_is_worth_nothing(site: Any, release: Path, host: str) -> None:
    edge = site.edges[0] if host == "native" else site.start_node(release)
    browser, thief = Browser(Device(time.time)), Browser(Device(time.time))
    for one in (browser, thief):
        one.ask(edge, "GET", "/me")  # for the nonce
    assert browser.ask(edge, "POST", "/in", body=b'{"user": "ada"}').status_code == 200
    sid = asyncio.run(sid_of(browser, site.keys))
    assert browser.ask(edge, "GET", "/me", sid=sid).json() == {"user": "ada"}
    thief.cookies |= browser.cookies
    for stolen in (
        thief.ask(edge, "GET", "/me", proof=False),
        thief.ask(edge, "GET", "/me", sid=sid),
        browser.ask(edge, "GET", "/me", sid=sid, htu="http://tea.example"),
        browser.ask(edge, "GET", "/me", sid=sid, htu="https://evil.example"),
    ):
        assert (stolen.status_code, stolen.json()["code"]) == (401, "device-proof")
        assert stolen.headers["strict-transport-security"] == "max-age=31536000"
    assert browser.ask(edge, "GET", "/me", sid=sid).json() == {"user": "ada"}
