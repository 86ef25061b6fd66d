"""An origin in memory, for tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .errors import Problem
from .memory_sessions import MemorySessions
from .types import Clock, Principal, Reply
from .wire import Outcome, RecordKey, decode_commit, encode_json, encode_outcome


def identify(principal: Principal) -> dict[str, str]:
    """Request headers that name a principal in the clear."""
    return {"x-subject": principal.subject, "x-sid": principal.sid, "x-epoch": str(principal.epoch)}


class MemoryOrigin:
    """The origin's wire protocol over dicts. `catalog` maps collection -> key -> item.

    It trusts its caller: what an assertion would say is passed in the headers that `identify` makes.
    `clock` is wall time in seconds.
    """

    def __init__(
        self, catalog: Mapping[str, Mapping[str, Any]] | None = None, clock: Clock = time.time
    ) -> None:
        self.catalog = {name: dict(items) for name, items in (catalog or {}).items()}
        self.records: dict[tuple[str, RecordKey], tuple[int, dict[str, Any] | None]] = {}
        self.outcomes: dict[tuple[str, str], tuple[str, Outcome]] = {}
        self.sessions = MemorySessions(clock)
        self.available = True

    async def public_fetch(self, path: str, etag: str | None) -> Reply:  # noqa: ARG002
        """A `PublicFetch`."""
        self._check()
        if path == "/revocations":
            return Reply(200, {}, await self.sessions.revocations())
        name = path.removeprefix("/catalog/")
        if name not in self.catalog:
            return _problem(Problem("not-found"))
        document = {"collection": name, "version": "1", "items": self.catalog[name]}
        return Reply(200, {"cache-control": "public, max-age=60"}, encode_json(document))

    async def fetch(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """A `Fetch`; whom it is for is in the headers that `identify` makes."""
        self._check()
        principal, key = _principal(headers), headers.get("idempotency-key", "")
        subject = principal.subject
        path, _, query = target.partition("?")
        try:
            if method == "POST" and path == "/commit":
                self.sessions.check(principal)
                return Reply(200, {}, encode_outcome(self._commit(subject, key, body)))
            if method == "POST":
                return Reply(200, {}, self.sessions.answer(path, principal, body))
            if path.startswith("/commit/"):
                found = self.outcomes.get((subject, path.removeprefix("/commit/")))
                if found is not None and query and query != f"fingerprint={found[0]}":
                    raise Problem("key-reused")
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
        author = commit.author or subject
        known = self.outcomes.get((author, key))
        if known is not None:
            if known[0] != commit.fingerprint:
                raise Problem("key-reused")
            return known[1]
        for read in commit.reads:
            version, value = self.records.get(_owned(subject, read.key), (0, None))
            if read.version != (version if value is not None else 0):
                raise Problem("version-conflict")
        changed: dict[tuple[str, RecordKey], Any] = {}
        changed.update((_owned(subject, write.key), write.value) for write in commit.writes)
        reached = []
        for one in commit.increments:
            place = _owned(subject, one.key)
            value = changed.get(place) or self.records.get(place, (0, None))[1] or {}
            after = value.get(one.field, 0) + one.by
            if one.floor is not None and after < one.floor:
                reached.append([*one.key, one.field])
                continue
            changed[place] = {**value, one.field: after}
        if reached:
            raise Problem("floor-reached", reached=reached)
        for place, value in changed.items():
            # What was deleted keeps its version: a document made again is not the one read before.
            version, _ = self.records.get(place, (0, None))
            self.records[place] = (version + 1, value)
        self.outcomes[author, key] = (commit.fingerprint, Outcome(True, commit.response))
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


def _principal(headers: Mapping[str, str]) -> Principal:
    return Principal(headers["x-subject"], headers.get("x-sid", ""), int(headers.get("x-epoch", "0")))


def _owned(subject: str, key: RecordKey) -> tuple[str, RecordKey]:
    return (subject if key.scope == "user" else "", key)


def _problem(problem: Problem) -> Reply:
    return Reply(problem.status, {"content-type": problem.media_type}, problem.encode())
