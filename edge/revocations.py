"""Which sessions ended before their tokens did: the origin's signed list, kept fresh by those who ask.

A list younger than `FRESH` serves as it is; up to `USABLE` it serves while the next one is fetched; after
that a signed-in request waits for the next one. So edges refuse a session that has ended within `USABLE`
seconds; in browsers, which ask every 12 seconds (browser/page.js), it is gone within half a minute. If the
origin does not answer, reading goes on, and writing for a signed-in user ends with `WRITABLE`: who could
be somebody else by now changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .errors import Problem
from .tokens import Revoked, Session, open_revocations
from .types import Clock, PublicFetch, Verifier

FRESH, USABLE, WRITABLE = 10.0, 15.0, 60.0  # seconds since the origin signed the list
PATIENCE = 3.0  # seconds that a request waits for a list
PAUSE = 2.0  # seconds from a failure to the next try
logger = logging.getLogger("edgekit")


class OriginKeys:
    """A `Verifier` with the origin's public keys, which are asked for once and believed from then on.

    Whoever answers in the origin's name at that moment is taken for it. Where the network between is
    not to be trusted, use a verifier over a file instead. `load` makes a verifier of a JWK set.
    """

    def __init__(self, fetch: PublicFetch, load: Callable[[Mapping[str, Any]], Awaitable[Verifier]]) -> None:
        self._fetch = fetch
        self._load = load
        self._pinned: Verifier | None = None

    async def verify(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Raises whatever asking for the keys raises."""
        verifier = self._pinned or await self._load(json.loads((await self._fetch("/keys", None)).body))
        good = await verifier.verify(kid, message, signature)
        if good:  # keys with which nothing was ever verified are not worth keeping
            self._pinned = verifier
        return good


class Revocations:
    """What this host knows about ended sessions; `clock` is wall time, `timer` monotonic, in seconds.

    It fetches only while somebody asks. Requests that need the same list share one fetch.
    """

    def __init__(self, fetch: PublicFetch, verifier: Verifier, clock: Clock, timer: Clock) -> None:
        self._fetch = fetch
        self._verifier = verifier
        self._clock = clock
        self._timer = timer
        self._held = Revoked(0, frozenset(), 0)
        self._asked_at = -math.inf  # on the timer: when the list that is held was asked for
        self._failed_at = -math.inf
        self._flight: asyncio.Task[None] | None = None

    async def check(self, session: Session, *, writing: bool) -> None:
        """Raise `Problem("session-ended")` for a session that has ended.

        Raises `Problem("origin-unavailable")` for a signed-in one that is to write and cannot be
        checked. Guests never wait: nobody but their own device ends their sessions.
        """
        await self._refresh(patient=not session.guest)
        if session.sid in self._held.sids or self.is_outdated(session):
            raise Problem("session-ended")
        if writing and not session.guest and self._age() > WRITABLE:
            raise Problem("origin-unavailable", "whether this session goes on cannot be checked now")

    def is_outdated(self, session: Session) -> bool:
        """Whether a user's session is older than the origin allows; renewing it tells if it goes on."""
        return not session.guest and session.issued_at < self._held.floor

    def _age(self) -> float:
        """By whichever clock it is older: caches may have kept the list, and clocks may be set."""
        return max(self._timer() - self._asked_at, self._clock() - self._held.issued_at)

    async def _refresh(self, *, patient: bool) -> None:
        age = self._age()
        if age <= FRESH or (self._flight is None and self._timer() - self._failed_at < PAUSE):
            return
        if self._flight is None or self._flight.done():  # done: with the loop it was started on
            self._flight = asyncio.ensure_future(self._fly())
        if patient and age > USABLE:
            await asyncio.wait([self._flight], timeout=PATIENCE)

    async def _fly(self) -> None:
        asked_at = self._timer()
        try:
            reply = await self._fetch("/revocations", None)
            listed = await open_revocations(reply.body.decode("ascii"), self._verifier, self._clock())
        except (Problem, ValueError) as error:
            if self._failed_at <= self._asked_at:  # the first since it worked
                logger.warning("the list of ended sessions cannot be fetched: %s", error)
            self._failed_at = self._timer()
        else:
            if listed.issued_at >= self._held.issued_at:  # never back to one that was known to be old
                self._held, self._asked_at = listed, asked_at
        finally:
            self._flight = None
