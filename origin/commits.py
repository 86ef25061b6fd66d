"""A commit in the database: judged, applied and remembered inside one transaction of the caller's."""

from __future__ import annotations

import apsw

from edge.errors import Problem
from edge.types import Principal
from edge.wire import Commit, Outcome, RecordKey, Write, encode_json

from . import outcomes, revocations
from .increments import increased

_VERSION = """
    SELECT version FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_VALUE = """
    SELECT value FROM record
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""
_PUT = """
    INSERT INTO record (scope, owner, collection, id, version, value) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET version = version + 1, value = excluded.value
"""
_DELETE = """
    UPDATE record SET value = NULL
    WHERE scope = ? AND owner = ? AND collection = ? AND id = ? AND value IS NOT NULL
"""


def apply(
    connection: apsw.Connection, principal: Principal, key: str, commit: Commit, answer: bytes, now: float
) -> Outcome:
    """Make `commit` true, or give what it came to before; `answer` is the encoded outcome to remember.

    Whatever it raises, the caller undoes all of it. Raises `Problem`, in this order: "session-ended",
    "key-reused", "idempotency-key-expired", "version-conflict", "floor-reached" (naming every such number).
    """
    subject = principal.subject
    author = commit.author or subject
    revocations.check(connection, principal)
    earlier = outcomes.recall(connection, author, key, commit.fingerprint)
    if earlier is not None:
        return earlier
    for read in commit.reads:
        found = connection.execute(_VERSION, place(subject, read.key)).get or 0
        if found != read.version:
            raise Problem("version-conflict", f"{'/'.join(read.key)} has version {found}")
    for write in commit.writes:
        _write(connection, subject, write)
    reached = []
    for one in commit.increments:
        value = increased(connection.execute(_VALUE, place(subject, one.key)).get, one)
        if value is None:
            reached.append([*one.key, one.field])
        else:
            _write(connection, subject, Write(one.key, value))
    if reached:
        # All at once: the handler runs again for each such answer.
        raise Problem("floor-reached", reached=reached)
    outcomes.remember(connection, author, key, commit.fingerprint, answer, now)
    outcomes.prune(connection, now)
    return Outcome(replayed=False, response=commit.response)


def place(subject: str, key: RecordKey) -> tuple[str, str, str, str]:
    """The primary key of a record: those of scope "shared" have no owner."""
    return key.scope, subject if key.scope == "user" else "", key.collection, key.id


def _write(connection: apsw.Connection, subject: str, write: Write) -> None:
    if write.value is None:
        connection.execute(_DELETE, place(subject, write.key))
    else:
        connection.execute(_PUT, (*place(subject, write.key), encode_json(write.value).decode()))
