"""Sessions of users who signed in, in the database: begun and renewed. `rotation.py` has the rule.

All functions run inside a transaction of the caller's; times are wall time in seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

import apsw

from edge.errors import Problem
from edge.session_wire import Renewed, join_refresh
from edge.tokens import REFRESH_LIFE
from edge.types import JSON, Principal
from edge.wire import encode_json

from .revocations import is_revoked, revoke, revoke_all
from .rotation import Family, Token, Verdict, is_confirmed, judge

WHOLE_LIFE = 90 * 86_400  # seconds after which a session in use ends too
SESSIONS_LIMIT = 256  # of one user; one more ends the one that was unused for longest
STEPS = 4  # expired rows of each kind that one write removes

_EPOCH = """
    INSERT INTO account (subject, epoch) VALUES (?, 1)
    ON CONFLICT DO UPDATE SET epoch = epoch RETURNING epoch
"""
# A sign-in that is sent twice has the same sid and begins one session.
_BEGIN = """
    INSERT INTO session (sid, subject, claims, jkt, bound_at, generation, confirmed,
        signed_in_at, confirmed_at, expires)
    VALUES (:sid, :subject, :claims, :jkt, 0, 0, x'', :now, :now, :expires)
    ON CONFLICT DO UPDATE SET claims = :claims, jkt = :jkt, bound_at = 0, signed_in_at = :now,
        expires = :expires
        WHERE subject = :subject
    RETURNING generation
"""
_FIND = """
    SELECT subject, claims, signed_in_at, session.generation, confirmed, confirmed_at, jkt, bound_at,
        (SELECT count(*) FROM refresh AS child
            WHERE child.sid = session.sid AND child.generation = session.generation + 1),
        presented.generation, digest, proven, strays
    FROM session JOIN refresh AS presented USING (sid)
    WHERE sid = :sid AND digest = :digest AND min(session.expires, presented.expires) > :now
"""
_ISSUE = """
    INSERT INTO refresh (digest, sid, generation, proven, strays, expires) VALUES (?, ?, ?, ?, ?, ?)
"""
_RENEW = """
    UPDATE session SET generation = ?, confirmed = ?, confirmed_at = ?, jkt = ?, bound_at = ?, expires = ?
    WHERE sid = ?
"""
_SURPLUS = "SELECT sid FROM session WHERE subject = ? ORDER BY confirmed_at DESC LIMIT -1 OFFSET ?"
_PRUNE = tuple(
    f"DELETE FROM {table} WHERE {key} IN"  # noqa: S608 - names from the next line
    f" (SELECT {key} FROM {table} WHERE {end} <= ? ORDER BY {end} LIMIT {STEPS})"
    for table, key, end in (
        ("session", "sid", "expires"),
        ("refresh", "digest", "expires"),
        ("revoked", "sid", "until"),
    )
)


class _Found(NamedTuple):
    """A session that goes on and the token presented for it, both unexpired."""

    subject: str
    claims: str
    signed_in_at: int
    family: Family
    presented: Token


def begin(
    connection: apsw.Connection,
    principal: Principal,
    claims: Mapping[str, JSON],
    jkt: str | None,
    secret: str,
    now: float,
) -> int:
    """Begin the session `principal.sid`, with `secret` in its refresh token; returns the user's epoch.

    Raises `Problem`: "session-ended" for one that has ended, "unauthorized" for another user's.
    """
    if is_revoked(connection, principal.sid):
        raise Problem("session-ended")
    row = {
        "sid": principal.sid,
        "subject": principal.subject,
        "claims": encode_json(claims).decode(),
        "jkt": jkt,
        "now": int(now),
        "expires": int(now) + REFRESH_LIFE,
    }
    generation = connection.execute(_BEGIN, row).get
    if generation is None:
        raise Problem("unauthorized")
    token = (_digest(secret), principal.sid, generation + 1, jkt is not None, 0, row["expires"])
    connection.execute(_ISSUE, token)
    revoke_all(connection, _SURPLUS, (principal.subject, SESSIONS_LIMIT), now)
    return _epoch(connection, principal.subject)


def renew(
    connection: apsw.Connection, sid: str, secret: str, jkt: str | None, fresh: str, now: float
) -> Renewed | None:
    """Judge the refresh token of `sid` with `secret`; if it is good, the next one holds `fresh`.

    None for a session that has ended: no exception, because it may have ended now, and that has to be
    committed. Raises `Problem("device-proof")` if the session is bound to another device key.
    """
    found = _find(connection, sid, _digest(secret), now)
    if found is None:
        return None
    family, token = found.family, found.presented
    verdict = judge(family, token, jkt, now)
    if verdict is Verdict.REFUSE:
        raise Problem("device-proof")
    if verdict is Verdict.REVOKE:
        revoke(connection, sid, now)
        return None
    confirmed, strays = family[:3], 0
    if verdict is Verdict.CONFIRM:
        confirmed = token.generation, token.digest, int(now)
    elif not is_confirmed(family, token):
        strays = token.strays + 1
    bound_at = int(now) if family.jkt is None and jkt is not None else family.bound_at
    expires = min(int(now) + REFRESH_LIFE, found.signed_in_at + WHOLE_LIFE)
    connection.execute(_RENEW, (*confirmed, jkt, bound_at, expires, sid))
    child = (_digest(fresh), sid, confirmed[0] + 1, jkt is not None, strays, expires)
    connection.execute(_ISSUE, child)
    return Renewed(
        sid,
        found.subject,
        json.loads(found.claims),
        _epoch(connection, found.subject),
        jkt,
        found.signed_in_at,
        join_refresh(sid, fresh),
        bound_at > 0,
    )


def prune(connection: apsw.Connection, now: float) -> None:
    """Remove a few rows that mean nothing any more; done with each write that may have added some."""
    for statement in _PRUNE:
        connection.execute(statement, (int(now),))


def _find(connection: apsw.Connection, sid: str, digest: bytes, now: float) -> _Found | None:
    row = connection.execute(_FIND, {"sid": sid, "digest": digest, "now": int(now)}).get
    if row is None:
        return None
    subject, claims, signed_in_at, *known, presented, digest, proven, strays = row
    return _Found(
        subject, claims, signed_in_at, Family(*known), Token(presented, digest, bool(proven), strays)
    )


def _epoch(connection: apsw.Connection, subject: str) -> int:
    epoch: int = connection.execute(_EPOCH, (subject,)).get
    return epoch


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
