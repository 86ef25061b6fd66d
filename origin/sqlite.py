"""The embedded store: one SQLite file, one process, many readers, one writer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from edge.errors import Problem
from edge.private_files import private_folder
from edge.session_wire import Renewed
from edge.types import JSON, Principal
from edge.wire import Commit, Outcome, RecordKey, Scope, encode_outcome

from . import commits, outcomes, revocations, sessions
from .database import create, lock, open_reader, open_writer
from .errors import StartError
from .readers import Readers
from .store import Collection, Ended, Page, Record
from .writer import Writer

_RECORD = """
    SELECT id, version, value FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_PAGE = """
    SELECT id, version, value FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id > ? AND value IS NOT NULL
    ORDER BY id LIMIT ?
"""
_COLLECTION = "SELECT collection, version, body FROM catalog WHERE collection = ?"
_PUBLISH = "INSERT INTO catalog (collection, version, body) VALUES (?, ?, ?)"


class SQLiteStore:
    """A `Store` in `folder/origin.db`. A context manager: leaving it finishes writes and closes.

    Raises `StartError` if the database cannot be opened, or is open in another process.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "origin.db"
        with ExitStack() as stack:
            try:
                private_folder(folder)
                create(path)
                stack.enter_context(lock(folder / "origin.lock"))
                self._writer = Writer(lambda: open_writer(path))
                stack.callback(self._writer.close)
                self._readers = Readers(lambda: open_reader(path))
                stack.callback(self._readers.close)
            except (apsw.Error, OSError) as error:
                raise StartError(f"cannot open {path}: {error}") from error
            self._closing = stack.pop_all()

    def __enter__(self) -> SQLiteStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    async def commit(self, principal: Principal, key: str, commit: Commit, now: float) -> Outcome:
        # Encoded before anything is applied: an outcome that cannot be told must not come about.
        try:
            answer = encode_outcome(Outcome(replayed=True, response=commit.response))
        except (ValueError, RecursionError) as error:
            raise Problem("malformed-commit", "the response cannot be written as JSON") from error

        return await self._writer.write(
            lambda connection: commits.apply(connection, principal, key, commit, answer, now)
        )

    async def outcome(self, subject: str, key: str, fingerprint: str | None = None) -> Outcome | None:
        return await self._readers.read(
            lambda connection: outcomes.find(connection, subject, key, fingerprint)
        )

    async def record(self, subject: str, key: RecordKey) -> Record | None:
        place = commits.place(subject, key)
        found = await self._readers.read(lambda connection: _records(connection, _RECORD, place))
        return found[0] if found else None

    async def page(self, subject: str, scope: Scope, collection: str, limit: int, after: str | None) -> Page:
        # One more than asked for tells whether there is a next page.
        window = (*commits.place(subject, RecordKey(scope, collection, after or "")), limit + 1)
        found = await self._readers.read(lambda connection: _records(connection, _PAGE, window))
        items = found[:limit]
        return Page(items, items[-1].id if len(found) > limit else None)

    async def collection(self, name: str) -> Collection | None:
        row = await self._readers.read(lambda connection: connection.execute(_COLLECTION, (name,)).get)
        return None if row is None else Collection(*row)

    async def begin_session(
        self, principal: Principal, claims: Mapping[str, JSON], jkt: str | None, secret: str, now: float
    ) -> int:
        def work(connection: apsw.Connection) -> int:
            sessions.prune(connection, now)
            return sessions.begin(connection, principal, claims, jkt, secret, now)

        return await self._writer.write(work)

    async def renew_session(self, sid: str, secret: str, jkt: str | None, fresh: str, now: float) -> Renewed:
        def work(connection: apsw.Connection) -> Renewed | None:
            sessions.prune(connection, now)
            return sessions.renew(connection, sid, secret, jkt, fresh, now)

        renewed = await self._writer.write(work)
        if renewed is None:
            raise Problem("session-ended")
        return renewed

    async def end_session(self, principal: Principal, everywhere: bool, now: float) -> None:
        def work(connection: apsw.Connection) -> None:
            sessions.prune(connection, now)
            revocations.end(connection, principal, everywhere, now)

        await self._writer.write(work)

    async def ended(self, now: float) -> Ended:
        return await self._readers.read(lambda connection: revocations.ended(connection, now))

    async def raise_floor(self, floor: int, now: float) -> None:
        await self._writer.write(lambda connection: revocations.raise_floor(connection, floor, now))

    async def publish(self, collections: Iterable[Collection]) -> None:
        rows = list(collections)

        def work(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM catalog")
            connection.executemany(_PUBLISH, rows)

        await self._writer.write(work)


def _records(connection: apsw.Connection, query: str, bindings: tuple[str | int, ...]) -> tuple[Record, ...]:
    rows: list[Any] = connection.execute(query, bindings).fetchall()
    return tuple(Record(record_id, version, json.loads(value)) for record_id, version, value in rows)
