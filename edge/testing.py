"""Tests of a `Stateless` app without a network: a client, an origin in memory, a clock that you set."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from .app import Stateless
from .catalog import Catalog
from .cookie_visitors import CookieVisitors
from .errors import Problem
from .host import Host
from .keys import NativeKeys, fixed, generate
from .origin_client import OriginClient
from .proof import Proofs
from .types import HostName, Principal, Reply
from .wire import Outcome, RecordKey, decode_commit, encode_json, encode_outcome


class MemoryOrigin:
    """The origin's wire protocol over dicts. `catalog` maps collection -> key -> item.

    It trusts its caller: what an assertion would say is passed as `subject`.
    """

    def __init__(self, catalog: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.catalog = {name: dict(items) for name, items in (catalog or {}).items()}
        self.records: dict[tuple[str, RecordKey], tuple[int, dict[str, Any] | None]] = {}
        self.outcomes: dict[tuple[str, str], tuple[str, Outcome]] = {}
        self.available = True

    async def public_fetch(self, path: str, etag: str | None) -> Reply:  # noqa: ARG002
        """A `PublicFetch`."""
        self._check()
        name = path.removeprefix("/catalog/")
        if name not in self.catalog:
            return _problem(Problem("not-found"))
        document = {"collection": name, "version": "1", "items": self.catalog[name]}
        return Reply(200, {"cache-control": "public, max-age=60"}, encode_json(document))

    async def fetch(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """A `Fetch`; the subject is the one named in `x-subject`."""
        self._check()
        subject, key = headers["x-subject"], headers.get("idempotency-key", "")
        path, _, query = target.partition("?")
        try:
            if method == "POST":
                return Reply(200, {}, encode_outcome(self._commit(subject, key, body)))
            if path.startswith("/commit/"):
                found = self.outcomes.get((subject, path.removeprefix("/commit/")))
                return (
                    _problem(Problem("not-found"))
                    if found is None
                    else Reply(200, {}, encode_outcome(found[1]))
                )
            return self._read(subject, path.split("/")[2:], dict(p.split("=") for p in query.split("&") if p))
        except Problem as problem:
            return _problem(problem)

    def _commit(self, subject: str, key: str, body: bytes) -> Outcome:
        commit = decode_commit(body)
        known = self.outcomes.get((subject, key))
        if known is not None:
            if known[0] != commit.fingerprint:
                raise Problem("key-reused")
            return known[1]
        for read in commit.reads:
            version, value = self.records.get(_owned(subject, read.key), (0, None))
            if read.version != (version if value is not None else 0):
                raise Problem("version-conflict")
        for write in commit.writes:
            place = _owned(subject, write.key)
            # What was deleted keeps its version: a document made again is not the one read before.
            version, _ = self.records.get(place, (0, None))
            self.records[place] = (version + 1, write.value)
        self.outcomes[subject, key] = (commit.fingerprint, Outcome(True, commit.response))
        return Outcome(False, commit.response)

    def _read(self, subject: str, names: list[str], query: Mapping[str, str]) -> Reply:
        scope, collection = names[0], names[1]
        if len(names) == 3:
            key = RecordKey(scope, collection, names[2])  # type: ignore[arg-type]
            version, value = self.records.get(_owned(subject, key), (0, None))
            if value is None:
                raise Problem("not-found")
            return Reply(200, {}, encode_json({"id": key.id, "version": version, "value": value}))
        owner, limit, after = subject if scope == "user" else "", int(query["limit"]), query.get("after", "")
        found = sorted(
            (
                {"id": key.id, "version": version, "value": value}
                for (whose, key), (version, value) in self.records.items()
                if (whose, key.scope, key.collection) == (owner, scope, collection)
                and key.id > after
                and value is not None
            ),
            key=lambda item: str(item["id"]),
        )
        page = found[:limit]
        following = page[-1]["id"] if len(found) > limit else None
        return Reply(200, {}, encode_json({"items": page, "next": following}))

    def _check(self) -> None:
        if not self.available:
            raise Problem("origin-unavailable")


class _Caller(OriginClient):
    """Names the subject in the clear: between a test and its own memory there is nobody to convince."""

    async def _call(
        self, method: str, target: str, principal: Principal, body: bytes = b"", key: str = ""
    ) -> Reply:
        headers = {"x-subject": principal.subject} | ({"idempotency-key": key} if key else {})
        return await self._fetch(method, target, headers, body)


class Client(TestClient):
    """Starlette's test client over a `Stateless` app with everything behind it in memory.

    `catalog` maps collection -> key -> item; `now` is the wall time in seconds that handlers see and
    may be set; `origin` is the memory behind it. Randomness is a counter, so runs repeat exactly.
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
    ) -> None:
        self.now = now
        self.origin = MemoryOrigin(catalog)
        keys, serial = NativeKeys(fixed(generate()), lambda: self.now), itertools.count(1)
        proofs = Proofs(keys.verify_proof_signature, keys, lambda: self.now, lambda: self.now)
        origin = _Caller(self.origin.fetch, None, lambda: self.now)

        def entropy(size: int) -> bytes:
            return next(serial).to_bytes(size, "big")

        app.bind(
            Host(
                name=host,
                clock=lambda: self.now,
                timer=lambda: self.now,
                entropy=entropy,
                visitors=CookieVisitors(keys, proofs, origin, None, lambda: self.now, entropy),
                origin=origin,
                catalog=Catalog(self.origin.public_fetch, lambda: self.now, lambda: 0.0),
                keys=keys,
            )
        )
        super().__init__(
            app, follow_redirects=follow_redirects, raise_server_exceptions=raise_server_exceptions
        )


def _owned(subject: str, key: RecordKey) -> tuple[str, RecordKey]:
    return (subject if key.scope == "user" else "", key)


def _problem(problem: Problem) -> Reply:
    return Reply(problem.status, {"content-type": problem.media_type}, problem.encode())
