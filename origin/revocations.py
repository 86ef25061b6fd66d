"""Sessions that ended before their tokens did, in the database, for as long as a token names them.

All functions run inside a transaction of the caller's; times are wall time in seconds.
"""

from __future__ import annotations

from typing import Any

import apsw

from edge.errors import Problem
from edge.tokens import GUEST_LIFE, SESSION_LIFE
from edge.types import Principal
from edge.wire import ASSERTION_LIFE

from .store import Ended

LISTED_LIMIT = 30_000  # sessions that a token of `REVOCATIONS_LIMIT` has room for
SLACK = 60  # seconds by which clocks may differ

_REVOKE = """
    INSERT INTO revoked (sid, at, until)
    SELECT :sid, :now, :now + CASE WHEN EXISTS (SELECT 1 FROM session WHERE sid = :sid)
        THEN :session_life ELSE :guest_life END
    WHERE true ON CONFLICT DO NOTHING
"""
_END = "DELETE FROM session WHERE sid = ?"
_OF_USER = "SELECT sid FROM session WHERE subject = ?"
_NEXT_EPOCH = "UPDATE account SET epoch = epoch + 1 WHERE subject = ?"
_IS_REVOKED = "SELECT EXISTS (SELECT 1 FROM revoked WHERE sid = ?)"
_HAS_ENDED = """
    SELECT EXISTS (SELECT 1 FROM revoked WHERE sid = ?)
        OR EXISTS (SELECT 1 FROM account WHERE subject = ? AND epoch > ?)
"""
_LISTED = "SELECT sid, at FROM revoked WHERE until > ? ORDER BY at DESC LIMIT ?"
_BEFORE = "SELECT sid FROM session WHERE signed_in_at < ?"


def revoke(connection: apsw.Connection, sid: str, now: float) -> None:
    """End one session; a guest's, of which nothing is stored, is listed for as long as it could live."""
    lives = {
        "session_life": SESSION_LIFE + ASSERTION_LIFE + SLACK,
        "guest_life": GUEST_LIFE + ASSERTION_LIFE + SLACK,
    }
    connection.execute(_REVOKE, {"sid": sid, "now": int(now), **lives})
    connection.execute(_END, (sid,))


def revoke_all(connection: apsw.Connection, query: str, bindings: tuple[str | int, ...], now: float) -> None:
    """End the sessions whose `sid` the query selects."""
    rows: list[Any] = connection.execute(query, bindings).fetchall()
    for (sid,) in rows:
        revoke(connection, sid, now)


def end(connection: apsw.Connection, principal: Principal, everywhere: bool, now: float) -> None:
    """End the session, with `everywhere` all of its user's; ending it again changes nothing."""
    if is_revoked(connection, principal.sid):
        return
    revoke(connection, principal.sid, now)
    if everywhere:
        connection.execute(_NEXT_EPOCH, (principal.subject,))
        revoke_all(connection, _OF_USER, (principal.subject,), now)


def is_revoked(connection: apsw.Connection, sid: str) -> bool:
    """Whether this very session was ended."""
    return bool(connection.execute(_IS_REVOKED, (sid,)).get)


def check(connection: apsw.Connection, principal: Principal) -> None:
    """Raise `Problem("session-ended")` for a session that was ended, by itself or with all others.

    A user who signs in with this very request has no session yet; the edge vouches for it.
    """
    if (
        principal.sid
        and connection.execute(_HAS_ENDED, (principal.sid, principal.subject, principal.epoch)).get
    ):
        raise Problem("session-ended")


def raise_floor(connection: apsw.Connection, floor: int, now: float) -> None:
    """End all sessions in which somebody signed in before `floor`."""
    connection.execute("UPDATE floor SET at = max(at, ?)", (floor,))
    revoke_all(connection, _BEFORE, (floor,), now)


def ended(connection: apsw.Connection, now: float) -> Ended:
    """What is to be published now."""
    floor: int = connection.execute("SELECT at FROM floor").get
    rows: list[Any] = connection.execute(_LISTED, (int(now), LISTED_LIMIT + 1)).fetchall()
    if len(rows) > LISTED_LIMIT:
        # No room for the oldest: edges then renew every session that is as old as they are, and the
        # origin says no to those that have ended. It costs calls, and keeps the promise.
        floor = max(floor, rows.pop()[1] + 1)
    return Ended(floor, tuple(sid for sid, _at in rows))
