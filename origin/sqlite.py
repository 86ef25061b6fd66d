"""The embedded store: one SQLite file, one process, many readers, one writer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from edge.errors import Problem
from edge.wire import Commit, Outcome, RecordKey, Scope, Write, decode_outcome, encode_json, encode_outcome

from .database import lock, open_reader, open_writer
from .errors import StartError
from .readers import Readers
from .store import Collection, Page, Record
from .writer import Writer

_VERSION = """
    SELECT version FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_RECORD = """
    SELECT id, version, value FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_PAGE = """
    SELECT id, version, value FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id > ? AND value IS NOT NULL
    ORDER BY id LIMIT ?
"""
_PUT = """
    INSERT INTO record (scope, owner, collection, id, version, value) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET version = version + 1, value = excluded.value
"""
_DELETE = """
    UPDATE record SET value = NULL
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_OUTCOME = "SELECT fingerprint, answer FROM outcome WHERE subject = ? AND key = ?"
_REMEMBER = "INSERT INTO outcome (subject, key, fingerprint, answer, created) VALUES (?, ?, ?, ?, ?)"
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
                folder.mkdir(parents=True, exist_ok=True)
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

    async def commit(self, subject: str, key: str, commit: Commit, now: float) -> Outcome:
        # Encoded before anything is applied: an outcome that cannot be told must not come about.
        try:
            answer = encode_outcome(Outcome(replayed=True, response=commit.response))
        except (ValueError, RecursionError) as error:
            raise Problem("malformed-commit", "the response cannot be written as JSON") from error

        def work(connection: apsw.Connection) -> Outcome:
            earlier = connection.execute(_OUTCOME, (subject, key)).get
            if earlier is not None:
                if earlier[0] != commit.fingerprint:
                    raise Problem("key-reused")
                return decode_outcome(earlier[1])
            for read in commit.reads:
                found = connection.execute(_VERSION, _place(subject, read.key)).get or 0
                if found != read.version:
                    raise Problem("version-conflict", f"{'/'.join(read.key)} has version {found}")
            for write in commit.writes:
                _apply(connection, subject, write)
            connection.execute(_REMEMBER, (subject, key, commit.fingerprint, answer, int(now)))
            return Outcome(replayed=False, response=commit.response)

        return await self._writer.write(work)

    async def outcome(self, subject: str, key: str) -> Outcome | None:
        row = await self._readers.read(lambda connection: connection.execute(_OUTCOME, (subject, key)).get)
        return None if row is None else decode_outcome(row[1])

    async def record(self, subject: str, key: RecordKey) -> Record | None:
        place = _place(subject, key)
        found = await self._readers.read(lambda connection: _records(connection, _RECORD, place))
        return found[0] if found else None

    async def page(self, subject: str, scope: Scope, collection: str, limit: int, after: str | None) -> Page:
        # One more than asked for tells whether there is a next page.
        window = (*_place(subject, RecordKey(scope, collection, after or "")), limit + 1)
        found = await self._readers.read(lambda connection: _records(connection, _PAGE, window))
        items = found[:limit]
        return Page(items, items[-1].id if len(found) > limit else None)

    async def collection(self, name: str) -> Collection | None:
        row = await self._readers.read(lambda connection: connection.execute(_COLLECTION, (name,)).get)
        return None if row is None else Collection(*row)

    async def publish(self, collections: Iterable[Collection]) -> None:
        rows = list(collections)

        def work(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM catalog")
            connection.executemany(_PUBLISH, rows)

        await self._writer.write(work)


def _place(subject: str, key: RecordKey) -> tuple[str, str, str, str]:
    return key.scope, subject if key.scope == "user" else "", key.collection, key.id


def _records(connection: apsw.Connection, query: str, bindings: tuple[str | int, ...]) -> tuple[Record, ...]:
    rows: list[Any] = connection.execute(query, bindings).fetchall()
    return tuple(Record(record_id, version, json.loads(value)) for record_id, version, value in rows)


def _apply(connection: apsw.Connection, subject: str, write: Write) -> None:
    place = _place(subject, write.key)
    if write.value is None:
        connection.execute(_DELETE, place)
    else:
        connection.execute(_PUT, (*place, encode_json(write.value).decode()))
