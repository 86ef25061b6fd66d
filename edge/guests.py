"""Guests: visitors who have not signed in. Their name follows from their session's id.

So whoever can show that a session was theirs has shown the name as well. An outbox needs that: what it
foretold for a guest whose cookies got lost is sent by the next one, and ids that are on the screen must stay
what they are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

from starlette.datastructures import Headers

from .ids import base32, new_sid
from .session_wire import is_sid
from .tokens import Session
from .types import Entropy

PREFIX = "guest:"  # no app gives such an id to a user
AUTHOR_HEADER = "edgekit-author"  # `<session id>.<form secret>` of the guest for whom a write was foretold


def guest(entropy: Entropy, now: float) -> Session:
    """The session of a new guest; `now` is wall time in seconds."""
    sid = new_sid(entropy)
    return Session(name_of(sid), sid, True, int(now), 0, {})


def name_of(sid: str) -> str:
    """The subject of the guest whose session has this id; from it the id cannot be found."""
    return PREFIX + base32(hashlib.sha256(f"guest\0{sid}".encode()).digest()[:16])


def author_of(
    scope: dict[str, Any], session: Session | None, secrets: Callable[[str], Iterable[str]] | None
) -> str | None:
    """The guest in whose name a write of the guest `session` was foretold, if it was another one.

    `secrets(sid)` are the form secrets of a session, which only edges can make and only its own browser was
    given; None on a host that has no keys and nothing to protect. What does not fit counts as absent: then
    other ids come of it than were foretold.
    """
    claim = Headers(raw=scope["headers"]).get(AUTHOR_HEADER)
    if claim is None or session is None or not session.guest:
        return None
    sid, _, secret = claim.partition(".")
    if not is_sid(sid) or not secret.isascii() or sid == session.sid:
        return None
    known = secrets is None or any(hmac.compare_digest(secret, one) for one in secrets(sid))
    return name_of(sid) if known else None
