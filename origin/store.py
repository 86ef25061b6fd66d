"""The contract between the HTTP side and a database, and the values that cross it.

Every implementation passes `tests/origin/test_store.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from edge.types import JSON
from edge.wire import Commit, Outcome, RecordKey, Scope


class Record(NamedTuple):
    """One persisted document; `version` grows with each write, also across a delete."""

    id: str
    version: int
    value: dict[str, JSON]


class Page(NamedTuple):
    """Part of a collection in ascending order of id; `next` is the `after` of the following page."""

    items: tuple[Record, ...]
    next: str | None


class Collection(NamedTuple):
    """One published part of the catalog; `body` is the JSON document as it is served."""

    name: str
    version: str
    body: bytes


class Store(Protocol):
    """Persists records, the outcomes of commits, and the catalog.

    `subject` is whoever the edge vouches for: the owner of the records of scope "user", and the scope
    of idempotency keys. All methods raise `Problem("origin-unavailable")` if the database fails.
    """

    async def commit(self, subject: str, key: str, commit: Commit, now: float) -> Outcome:
        """Apply `commit` at most once per (subject, key), all of it or nothing; `now` in seconds.

        The outcome is durable when this returns. Raises `Problem`: "key-reused" if `key` belongs to
        another fingerprint, "version-conflict" if a record that was read has changed (the key stays
        free), "malformed-commit" for a response that JSON cannot hold, "overloaded" if too many wait.
        """
        ...

    async def outcome(self, subject: str, key: str) -> Outcome | None:
        """What a commit under `key` came to, with `replayed` set; None if there was none."""
        ...

    async def record(self, subject: str, key: RecordKey) -> Record | None: ...

    async def page(self, subject: str, scope: Scope, collection: str, limit: int, after: str | None) -> Page:
        """At most `limit` records with ids greater than `after`."""
        ...

    async def collection(self, name: str) -> Collection | None: ...

    async def publish(self, collections: Iterable[Collection]) -> None:
        """Replace the whole catalog at once."""
        ...
