"""The memory of commits: the answer under each key, for as long as the same request may come again.

Keys that the kit makes, `<client>.<number>`, are kept for `KEPT` and then pruned in the order of their
numbers. What remains for good is one number per client, its floor: a key at or below it that is not
remembered may have been executed, so it never will be again. No clock but the origin's own is trusted.
Other keys have no order; they are kept for `FOREIGN_KEPT`, and after that they are new again. That is
longer than edges take requests from outboxes (`edge.intake.LONGEST_WAIT`), so none of those runs twice.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import apsw

from edge.errors import Problem
from edge.wire import Outcome, decode_outcome

KEPT = 7 * 86_400  # seconds
FOREIGN_KEPT = 8 * 86_400  # seconds
STEPS = 4  # of pruning with each commit, which adds one row

_KIT_KEY = re.compile(r"([A-Za-z0-9_\-]{22})\.([0-9]{1,15})")
_FIND = "SELECT fingerprint, answer FROM outcome WHERE subject = ? AND key = ?"
_FLOOR = "SELECT coalesce(max(floor), -1) FROM client_floor WHERE subject = ? AND client = ?"
_REMEMBER = """
    INSERT INTO outcome (subject, key, fingerprint, answer, client, seq, due) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_OLDEST = "SELECT rowid, subject, client, due FROM outcome ORDER BY due LIMIT 1"
_FIRST = "SELECT rowid, seq, due FROM outcome WHERE subject = ? AND client = ? ORDER BY seq LIMIT 1"
_RAISE = """
    INSERT INTO client_floor (subject, client, floor) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET floor = max(floor, excluded.floor)
"""
_FORGET = "DELETE FROM outcome WHERE rowid = ?"
_POSTPONE = "UPDATE outcome SET due = ? WHERE rowid = ?"


class _KitKey(NamedTuple):
    client: str
    seq: int


def find(
    connection: apsw.Connection, subject: str, key: str, fingerprint: str | None = None
) -> Outcome | None:
    """What a commit under `key` came to, or None. With a `fingerprint` it is judged as `recall` does."""
    if fingerprint is not None:
        return recall(connection, subject, key, fingerprint)
    row = connection.execute(_FIND, (subject, key)).get
    return None if row is None else decode_outcome(row[1])


def recall(connection: apsw.Connection, subject: str, key: str, fingerprint: str) -> Outcome | None:
    """What this very commit came to; None if it has never been applied.

    Raises `Problem`: "key-reused" if it was another one, "idempotency-key-expired" if nobody can tell.
    """
    row = connection.execute(_FIND, (subject, key)).get
    if row is not None:
        if row[0] != fingerprint:
            raise Problem("key-reused")
        return decode_outcome(row[1])
    parsed = _parse(key)
    if parsed is not None and parsed.seq <= connection.execute(_FLOOR, (subject, parsed.client)).get:
        raise Problem("idempotency-key-expired")
    return None


def remember(
    connection: apsw.Connection, subject: str, key: str, fingerprint: str, answer: bytes, now: float
) -> None:
    """Keep `answer` (an encoded outcome); `now` is wall time in seconds."""
    client, seq = _parse(key) or (None, None)
    due = int(now) + (FOREIGN_KEPT if client is None else KEPT)
    connection.execute(_REMEMBER, (subject, key, fingerprint, answer, client, seq, due))


def prune(connection: apsw.Connection, now: float) -> None:
    """Forget a few answers that are due, so that each commit does a bounded part of the work."""
    for _ in range(STEPS):
        oldest = connection.execute(_OLDEST).get
        if oldest is None or oldest[3] > now:
            return
        row, subject, client, _due = oldest
        if client is not None:
            first, seq, due = connection.execute(_FIRST, (subject, client)).get
            if due > now:  # a number that came late: those after it wait for their turn
                connection.execute(_POSTPONE, (due, row))
                continue
            connection.execute(_RAISE, (subject, client, seq))
            row = first
        connection.execute(_FORGET, (row,))


def _parse(key: str) -> _KitKey | None:
    match = _KIT_KEY.fullmatch(key)
    return None if match is None else _KitKey(match[1], int(match[2]))
