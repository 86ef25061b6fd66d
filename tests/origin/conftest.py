"""A real origin over a real SQLite file, and an edge that signs the calls to it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from edge.keys import NativeKeys, fixed, generate
from edge.keyset import KeySet
from edge.tokens import mint_assertion
from edge.types import Principal
from edge.wire import Commit, RecordKey, StoredResponse, Write
from origin.app import create_app
from origin.sqlite import SQLiteStore


class FakeClock:
    """Wall time in seconds that only a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def edge_keys() -> dict[str, Any]:
    return generate()


@pytest.fixture
def public_keys(edge_keys: dict[str, Any]) -> dict[str, Any]:
    return KeySet(edge_keys).public(0)


@pytest.fixture
def signer(edge_keys: dict[str, Any], clock: FakeClock) -> NativeKeys:
    return NativeKeys(fixed(edge_keys), clock)


@pytest.fixture
def own_keys(clock: FakeClock) -> NativeKeys:
    """The origin's own."""
    return NativeKeys(fixed(generate()), clock)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with SQLiteStore(tmp_path / "data") as store:
        yield store


@pytest.fixture
async def client(
    store: SQLiteStore, public_keys: dict[str, Any], own_keys: NativeKeys, clock: FakeClock
) -> AsyncIterator[httpx2.AsyncClient]:
    edges = NativeKeys(fixed(public_keys), clock)
    app = create_app(store, edges, own_keys, clock, secrets.token_bytes)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://origin") as client:
        yield client


Call = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def call(client: httpx2.AsyncClient, signer: NativeKeys, clock: FakeClock) -> Call:
    """`await call("GET", "/records/…", "ann", body=b"", key="", sid="", epoch=0)`: a well signed call."""

    async def call(
        method: str, target: str, subject: str = "ann", body: bytes = b"", key: str = "", **session: Any
    ) -> httpx2.Response:
        principal = Principal(subject, **session)
        token = await mint_assertion(signer, principal, method, target, body, key, clock)
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        return await client.request(method, target, content=body, headers=headers)

    return call


@pytest.fixture
def make_commit() -> Callable[..., Commit]:
    """`make_commit({"cups/1": {…}, "shared:stock/tea": None}, reads=(…))`: a commit of these writes.

    Each has a fingerprint of its own, unless one is given.
    """
    numbers = itertools.count(1)

    def make(writes: dict[str, dict[str, Any] | None] | None = None, **fields: Any) -> Commit:
        def locate(name: str) -> RecordKey:
            scope, _, path = name.rpartition(":")
            collection, record_id = path.split("/")
            return RecordKey("shared" if scope == "shared" else "user", collection, record_id)

        return Commit(
            fingerprint=fields.pop("fingerprint", f"{next(numbers):064x}"),
            reads=fields.pop("reads", ()),
            writes=tuple(Write(locate(name), value) for name, value in (writes or {}).items()),
            response=StoredResponse(**({"status": 303, "headers": (), "body": b""} | fields)),
        )

    return make
