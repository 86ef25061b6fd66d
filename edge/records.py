"""`ctx.records`: reads are noted with the version they saw, writes are collected; the kit commits once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, Protocol

from .errors import NeedsEdge, Problem
from .running import unmarked
from .state import encode_named
from .types import JSON, Principal
from .wire import (
    RECORD_LIMIT,
    WRITES_LIMIT,
    Increment,
    Read,
    RecordKey,
    Scope,
    Write,
    is_count,
    is_name,
)

NAMES = "a name is a text of 1 to 128 of A-Z a-z 0-9 _ . -"
# What only says that somebody cannot be asked at present.
NOT_NOW = frozenset({"needs-edge", "origin-unavailable", "origin-invalid", "overloaded"})
NOBODY = Principal("nobody")  # who reads shared records before there is a user


class Record(NamedTuple):
    """A stored document; `version` counts its changes, 0 for one that this request wrote."""

    id: str
    version: int
    value: dict[str, Any]


class Page(NamedTuple):
    """Some records in order of id; `next` goes into `after=` for the following page, None at the end."""

    items: list[Record]
    next: str | None


class RecordSource(Protocol):
    """Where records are read from, on behalf of one user (`principal`)."""

    async def record(self, principal: Principal, key: RecordKey) -> Record | None: ...

    async def page(
        self, principal: Principal, scope: Scope, collection: str, limit: int, after: str | None
    ) -> Page: ...


class Records:
    """One request's unit of work. Nothing is stored until the kit commits it, all or nothing.

    `shared` names the collections that belong to everybody; all others belong to the user. `readable`,
    where it is given, names the only ones that this host may see; others raise NeedsEdge.
    `principal` yields who asks, or None for somebody who owns nothing yet. `overlay` is laid over what is
    read: writes of earlier requests that are not confirmed yet. `refused`: fields that the origin would
    have had to bring below their floor when this request ran before.
    """

    def __init__(
        self,
        source: RecordSource,
        shared: Collection[str],
        principal: Callable[[], Principal | None],
        *,
        writable: bool,
        readable: Collection[str] | None = None,
        overlay: Iterable[Write] = (),
        refused: Collection[tuple[RecordKey, str]] = (),
    ) -> None:
        self._source = source
        self._overlay = {write.key: write.value for write in overlay}
        self._readable = readable
        self._shared = shared
        self._principal = principal
        self.writable = writable
        self._seen: dict[RecordKey, Record | None] = {}
        self._writes: dict[RecordKey, dict[str, JSON] | None] = {}
        self._increments: dict[tuple[RecordKey, str], tuple[int, int | None]] = {}
        self._refused = refused
        self.touched = False
        self.touched_own = False  # such as belong to the user
        self.closed = False

    async def get(self, collection: str, id: str) -> Record | None:  # noqa: A002 - the field's word
        """The record, or None. What this request has written itself is seen."""
        key = self._key(collection, id)
        self.touched = True
        tentative = self._overlay | self._writes
        if key in tentative:
            value = tentative[key]
            return None if value is None else Record(id, 0, value)
        if key not in self._seen:
            owner = self._owner(key.scope)
            found = None if owner is None else await self._source.record(owner, key)
            if self.writable and len(self._seen) >= WRITES_LIMIT:
                raise Problem(
                    "commit-too-large",
                    f"a request that may write reads at most {WRITES_LIMIT} records",
                    for_developers=True,
                )
            # A task beside this one may have been first; what it saw is what the commit must name.
            self._seen.setdefault(key, found)
        return self._seen[key]

    async def list(self, collection: str, limit: int = 50, after: str | None = None) -> Page:
        """Up to `limit` (1 to 200) records in order of id, after the id `after`.

        A listing is not part of the conflict check: what decides a write is read with `get`.
        """
        if not is_name(collection):
            raise ValueError(f"not a collection name: {collection!r}; {NAMES}")
        scope = self._scope(collection)
        self.touched = True
        return await self._page(scope, collection, limit, after)

    async def _page(self, scope: Scope, collection: str, limit: int, after: str | None) -> Page:
        owner = self._owner(scope)
        page = Page([], None)
        if owner is not None:
            page = await self._source.page(owner, scope, collection, limit, after)
        items = {record.id: record for record in page.items}
        for key, value in (self._overlay | self._writes).items():
            if (key.scope, key.collection) == (scope, collection):
                items.pop(key.id, None)
                if (
                    value is not None
                    and (after or "") < key.id
                    and (page.next is None or key.id <= page.next)
                ):
                    items[key.id] = Record(key.id, 0, value)
        return Page([items[name] for name in sorted(items)], page.next)

    async def peek(
        self, collection: str, limit: int = 200, after: str | None = None, *, within: float = 1.0
    ) -> Page | None:
        """Like `list`, for what a page can do without: None if nobody could tell `within` so many seconds.

        Never escalates because a network is gone, and is no part of a commit: a write whose handler only
        peeks stays one that needs no storage. Raises NeedsEdge for a collection that is not readable here.
        """
        if not is_name(collection):
            raise ValueError(f"not a collection name: {collection!r}; {NAMES}")
        scope = self._scope(collection)
        try:
            with unmarked():
                async with asyncio.timeout(within):
                    return await self._page(scope, collection, limit, after)
        except TimeoutError:
            return None
        except Problem as problem:
            if problem.code not in NOT_NOW:
                raise
            return None

    def put(self, collection: str, id: str, value: dict[str, Any]) -> None:  # noqa: A002
        """Store `value` (a JSON object of at most 64 KiB) when the request succeeds.

        Raises TypeError or ValueError for what is none, or has a name that none may have.
        """
        if not isinstance(value, dict):
            raise TypeError(f"a record is a JSON object, so put takes a dict, not {type(value).__name__}")
        if len(encode_named(f"the record {collection}/{id}", value)) > RECORD_LIMIT:
            words = f"{collection}/{id} is over {RECORD_LIMIT} bytes of JSON: split it, or keep it elsewhere"
            raise Problem("record-too-large", words, for_developers=True)
        self._write(self._key(collection, id), value)

    def delete(self, collection: str, id: str) -> None:  # noqa: A002
        """Remove the record when the request succeeds; removing what is not there is no error."""
        self._write(self._key(collection, id), None)

    def increment(
        self,
        collection: str,
        id: str,  # noqa: A002
        field: str,
        by: int = 1,
        *,
        floor: int | None = None,
    ) -> bool:
        """Add `by` to a whole number of a record; absent records and fields count as 0.

        The origin does it, on the newest value, so writers never collide. False: it would fall below
        `floor`, and nothing is added. That is known only after the origin was asked, which runs the handler
        again; so what it answers may depend on this. What `get` shows does not contain it. More than one for
        the same number count together, with the highest floor that any of them has.
        Raises NeedsEdge in the browser.
        """
        key = self._key(collection, id)
        if self._readable is not None:
            raise NeedsEdge("a number that others change too")
        if not is_count(by) or not (floor is None or is_count(floor)):
            raise ValueError("by and floor are whole numbers")
        if floor is not None and (key, field) in self._refused:
            self.touched = True
            return False
        self._check_writing(more=(key, field) not in self._increments)
        if key in self._writes:
            raise ValueError(f"{collection}/{id} is written in this request: change the number there")
        before, strictest = self._increments.get((key, field), (0, None))
        if strictest is not None:
            floor = strictest if floor is None else max(floor, strictest)
        self._increments[key, field] = before + by, floor
        return True

    @property
    def changed(self) -> bool:
        """Whether something is to be stored."""
        return bool(self._writes or self._increments)

    @property
    def increments(self) -> tuple[Increment, ...]:
        return tuple(Increment(*place, *change) for place, change in self._increments.items())

    @property
    def reads(self) -> tuple[Read, ...]:
        """What was seen, and in which version."""
        return tuple(Read(key, record.version if record else 0) for key, record in self._seen.items())

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(Write(key, value) for key, value in self._writes.items())

    def _write(self, key: RecordKey, value: dict[str, Any] | None) -> None:
        self._check_writing(more=key not in self._writes)
        if any(key == counted for counted, _ in self._increments):
            raise ValueError(f"a number of {'/'.join(key[1:])} is increased in this request: do one of both")
        self._writes[key] = value

    def _check_writing(self, *, more: bool) -> None:
        if not self.writable:
            raise Problem(
                "write-in-safe-request",
                "GET and HEAD only read; use POST, PUT, PATCH or DELETE",
                for_developers=True,
            )
        if self.closed:
            raise Problem(
                "write-after-response", "write records before the response starts", for_developers=True
            )
        if more and len(self._writes) + len(self._increments) >= WRITES_LIMIT:
            raise Problem(
                "commit-too-large", f"one request writes at most {WRITES_LIMIT} records", for_developers=True
            )
        self.touched = True

    def _key(self, collection: str, record_id: str) -> RecordKey:
        if not is_name(collection) or not is_name(record_id):
            raise ValueError(f"not a record name: {collection!r}/{record_id!r}; {NAMES}")
        return RecordKey(self._scope(collection), collection, record_id)

    def _scope(self, collection: str) -> Scope:
        if self._readable is not None and collection not in self._readable:
            raise NeedsEdge(f"the collection {collection}")
        if collection in self._shared:
            return "shared"
        self.touched_own = True
        return "user"

    def _owner(self, scope: Scope) -> Principal | None:
        return self._principal() or (NOBODY if scope == "shared" else None)
