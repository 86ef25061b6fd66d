"""What the kit's unit tests share: keys, a clock that stands still, a device, raw ASGI calls."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from edge import Stateless
from edge.catalog import Catalog
from edge.cookie_visitors import CookieVisitors
from edge.host import Host
from edge.jose import encode_segment, thumbprint
from edge.keys import NativeKeys, fixed, generate
from edge.origin_client import OriginClient
from edge.proof import Proofs, body_digest
from edge.testing import MemoryOrigin
from edge.wire import encode_json

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


class Device:
    """A P-256 key as a browser keeps one, and the proofs that it makes (RFC 9449 section 4.2)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._clock = clock
        self._serial = itertools.count()
        numbers = self._key.public_key().public_numbers()
        x, y = (encode_segment(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        self.jkt = thumbprint(self.jwk)

    def prove(
        self,
        method: str = "GET",
        url: str = "http://testserver/",
        *,
        sid: str | None = None,
        nonce: str | None = None,
        key: str = "",
        body: bytes = b"",
        **claims: Any,
    ) -> str:
        """A proof for one request of the session `sid`.

        `claims` replace what a good one says; those that are None are left out.
        """
        target, _, query = url.partition("?")
        said = {
            "jti": f"{next(self._serial):022}",
            "htm": method,
            "htu": target,
            "htq": query,
            "iat": int(self._clock()),
            "nonce": nonce,
            "ath": sid and encode_segment(hashlib.sha256(sid.encode()).digest()),
            **({} if method in ("GET", "HEAD", "OPTIONS") else {"ik": key, "bd": body_digest(body)}),
            **claims,
        }
        return self.sign({name: value for name, value in said.items() if value is not None})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A proof that says `claims`, good or not."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        message = ".".join(encode_segment(encode_json(part)) for part in (header, claims))
        der = self._key.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return f"{message}.{encode_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@pytest.fixture
def make_device() -> type[Device]:
    """`make_device(clock)`: a browser's key and its proofs."""
    return Device


@pytest.fixture
def device(clock: Clock) -> Device:
    return Device(clock)


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
