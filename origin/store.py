"""The contract between the HTTP side and a database, and the values that cross it.

Every implementation passes `tests/origin/test_store.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from edge.session_wire import Renewed
from edge.types import JSON, Principal
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


class Ended(NamedTuple):
    """Sessions that have ended: those in `sids`, and users' tokens that were issued before `floor`."""

    floor: int
    sids: tuple[str, ...]


class Store(Protocol):
    """Persists records, the outcomes of commits, sessions of users who signed in, and the catalog.

    `subject` is whoever the edge vouches for: the owner of the records of scope "user", and the scope
    of idempotency keys. `now` is wall time in seconds. All methods raise `Problem`:
    "origin-unavailable" if the database fails, those that write "overloaded" if too many wait.
    What a method has written is durable when it returns.
    """

    async def commit(self, principal: Principal, key: str, commit: Commit, now: float) -> Outcome:
        """Apply `commit` at most once per (subject, key), all of it or nothing.

        Raises `Problem`: "session-ended" if the session is not to write any more, "key-reused" if
        `key` belongs to another fingerprint, "idempotency-key-expired" if nobody remembers what became
        of it, "version-conflict" if a record that was read has changed (the key stays free),
        "malformed-commit" for a response that JSON cannot hold.
        """
        ...

    async def outcome(self, subject: str, key: str, fingerprint: str | None = None) -> Outcome | None:
        """What a commit under `key` came to, with `replayed` set; None if there was none.

        With a `fingerprint` it raises `Problem`: "key-reused" if it had another one,
        "idempotency-key-expired" if nobody can tell any more.
        """
        ...

    async def record(self, subject: str, key: RecordKey) -> Record | None: ...

    async def page(self, subject: str, scope: Scope, collection: str, limit: int, after: str | None) -> Page:
        """At most `limit` records with ids greater than `after`."""
        ...

    async def collection(self, name: str) -> Collection | None: ...

    async def begin_session(
        self, principal: Principal, claims: Mapping[str, JSON], jkt: str | None, secret: str, now: float
    ) -> int:
        """Begin the session `principal.sid`, whose first refresh token holds `secret`; returns the epoch.

        `jkt` is the thumbprint of the device key that the session is bound to. Once more for the same
        session: a sign-in was sent twice. Raises `Problem("session-ended")` if it has ended since.
        """
        ...

    async def renew_session(self, sid: str, secret: str, jkt: str | None, fresh: str, now: float) -> Renewed:
        """Exchange the refresh token of `sid` with `secret` for one with `fresh`.

        `jkt` is the key that the device has proved. Raises `Problem`: "session-ended" for an unknown or
        expired token, and for one that was used before, which ends the session (see `rotation`);
        "device-proof" if the session is bound to another key, which leaves it as it is.
        """
        ...

    async def end_session(self, principal: Principal, everywhere: bool, now: float) -> None:
        """End the session `principal.sid`, or all sessions of the subject."""
        ...

    async def ended(self, now: float) -> Ended:
        """What edges are to refuse."""
        ...

    async def raise_floor(self, floor: int, now: float) -> None:
        """End all sessions in which somebody signed in before `floor` (seconds since 1970)."""
        ...

    async def publish(self, collections: Iterable[Collection]) -> None:
        """Replace the whole catalog at once."""
        ...
