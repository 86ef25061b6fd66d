"""Values the kit's unit tests share: one key pair, a clock that stands still, raw ASGI calls."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pytest

from edge import Stateless
from edge.catalog import Catalog
from edge.cookie_visitors import CookieVisitors
from edge.host import Host
from edge.keys import NativeKeys, fixed, generate
from edge.origin_client import OriginClient
from edge.proof import Proofs
from edge.testing import MemoryOrigin

NOW = 1_767_225_600.0


class Clock:
    """Seconds that only a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def jwks() -> dict[str, Any]:
    return generate()


@pytest.fixture
def keys(jwks: dict[str, Any], clock: Clock) -> NativeKeys:
    """Signer, verifier and sealer in one."""
    return NativeKeys(fixed(jwks), clock)


@pytest.fixture
def make_host(keys: NativeKeys, clock: Clock) -> Callable[..., Host]:
    """`make_host(name="browser", visitors=…)`: a native host over an empty origin, but for what is named."""

    def make(**parts: Any) -> Host:
        memory, serial = MemoryOrigin(), itertools.count(1)

        def entropy(size: int) -> bytes:
            return next(serial).to_bytes(size, "big")

        proofs = Proofs(keys.verify_proof_signature, keys, clock, clock)
        origin = parts.get("origin", OriginClient(memory.fetch, None, clock))
        defaults: dict[str, Any] = {
            "name": "native",
            "clock": clock,
            "timer": clock,
            "entropy": entropy,
            "visitors": CookieVisitors(keys, proofs, origin, None, clock, entropy),
            "origin": origin,
            "catalog": Catalog(memory.public_fetch, clock, lambda: 0.0),
        }
        return Host(**(defaults | parts))

    return make


class Heard(NamedTuple):
    """What an ASGI app sent for one request."""

    messages: list[dict[str, Any]]

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.messages[0]["headers"])

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name.encode(), b"").decode("latin-1") or None

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def parts(self) -> list[tuple[bytes, bool]]:
        """Body messages as (bytes, whether more follow)."""
        return [(m.get("body", b""), m.get("more_body", False)) for m in self.messages[1:]]


def scope_of(
    method: str = "GET", target: str = "/", headers: Iterable[tuple[str, str]] = (), **members: Any
) -> dict[str, Any]:
    """An ASGI HTTP scope; header values as they go over the wire."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        **members,
    }


@pytest.fixture
def make_scope() -> Callable[..., dict[str, Any]]:
    return scope_of


@pytest.fixture
def call() -> Callable[..., Heard]:
    """`call(app, "POST", "/x?y=1", headers, body=b"…")`: one request, no client in between.

    `parts` gives the body in several messages; `gone` ends them with a disconnect.
    """

    def call(
        app: Stateless,
        method: str = "GET",
        target: str = "/",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        body: bytes = b"",
        parts: Iterable[bytes] | None = None,
        gone: bool = False,
        **members: Any,
    ) -> Heard:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        chunks = list(parts) if parts is not None else [body]
        last = len(chunks) - 1
        incoming = [
            {"type": "http.request", "body": chunk, "more_body": gone or index < last}
            for index, chunk in enumerate(chunks)
        ]
        heard = Heard([])

        async def receive() -> dict[str, Any]:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            heard.messages.append(message)

        asyncio.run(app(scope_of(method, target, pairs, **members), receive, send))  # type: ignore[arg-type]
        return heard

    return call
