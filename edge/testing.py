"""Tests of a `Stateless` app without a network: a client, an origin in memory, a clock that you set."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from .app import Stateless
from .catalog import Catalog
from .cookie_visitors import CookieVisitors
from .host import Host
from .keys import NativeKeys, fixed, generate
from .memory_origin import MemoryOrigin, identify
from .origin_client import OriginClient
from .proof import Proofs
from .revocations import Revocations
from .types import HostName, Principal, Reply


class _Caller(OriginClient):
    """Names the subject in the clear: between a test and its own memory there is nobody to convince."""

    async def _call(
        self, method: str, target: str, principal: Principal, body: bytes = b"", key: str = ""
    ) -> Reply:
        headers = identify(principal) | ({"idempotency-key": key} if key else {})
        return await self._fetch(method, target, headers, body)


class Client(TestClient):
    """Starlette's test client over a `Stateless` app with everything behind it in memory.

    `catalog` maps collection -> key -> item; `now` is the wall time in seconds that handlers see and
    may be set; `origin` is the memory behind it. Several clients of one app share none of this. Randomness
    is a counter, so runs repeat exactly. In `development` problems say what is for the app's developers, as
    `edgekit serve` does.
    """

    def __init__(
        self,
        app: Stateless,
        catalog: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        now: float = 1_767_225_600.0,
        host: HostName = "native",
        follow_redirects: bool = True,
        raise_server_exceptions: bool = False,
        development: bool = False,
    ) -> None:
        self.now = now
        self.origin = MemoryOrigin(catalog, lambda: self.now)
        keys, serial = NativeKeys(fixed(generate()), lambda: self.now), itertools.count(1)
        proofs = Proofs(keys.verify_proof_signature, keys, lambda: self.now, lambda: self.now)
        origin = _Caller(self.origin.fetch, None, lambda: self.now)
        revocations = Revocations(
            self.origin.public_fetch, self.origin.sessions.keys, lambda: self.now, lambda: self.now
        )

        def entropy(size: int) -> bytes:
            return next(serial).to_bytes(size, "big")

        own = copy.copy(app)  # `app` and other clients of it keep their hosts
        own.bind(
            Host(
                name=host,
                clock=lambda: self.now,
                timer=lambda: self.now,
                entropy=entropy,
                visitors=CookieVisitors(keys, proofs, origin, revocations, lambda: self.now, entropy),
                origin=origin,
                catalog=Catalog(self.origin.public_fetch, lambda: self.now, lambda: 0.0),
                keys=keys,
                development=development,
            )
        )
        super().__init__(
            own,
            follow_redirects=follow_redirects,
            raise_server_exceptions=raise_server_exceptions,
            headers={"sec-fetch-site": "same-origin"},  # as browsers say of an app's own pages
        )
