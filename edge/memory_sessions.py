"""Sessions of signed-in users in memory, for tests: the origin's part of the wire protocol about them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import Problem
from .keys import NativeKeys, fixed, generate
from .session_wire import (
    Renewed,
    decode_end,
    decode_refresh,
    decode_session,
    encode_begun,
    encode_renewed,
    join_refresh,
    split_refresh,
)
from .tokens import REFRESH_LIFE, mint_revocations
from .types import JSON, Clock, Principal
from .wire import encode_json


@dataclass(slots=True)
class _Family:
    """One session: `tokens` maps the secret of each refresh token to its generation, and `proven` are those
    that were given to the device that the session is bound to. `late`: it was bound by a renewal."""

    subject: str
    claims: Mapping[str, JSON]
    jkt: str | None
    signed_in_at: int
    generation: int = 0
    renewed_at: float = 0
    tokens: dict[str, int] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    late: bool = False


class MemorySessions:
    """Refresh tokens rotate as at the origin, without its minute of grace: one generation back is reuse.

    `ended` holds the sessions that were ended, `epochs` how often each user signed out everywhere;
    tokens issued before `floor` (seconds since 1970) have to be renewed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serial = itertools.count(1)
        self._families: dict[str, _Family] = {}
        self.ended: set[str] = set()
        self.floor = 0
        self.epochs: dict[str, int] = {}
        self.keys = NativeKeys(fixed(generate()), clock)

    def check(self, principal: Principal) -> None:
        """Raise `Problem("session-ended")` for one that is not to write any more.

        Who signs in with this very request has no session yet.
        """
        outdated = principal.epoch < self.epochs.get(principal.subject, 0)
        if principal.sid and (principal.sid in self.ended or outdated):
            raise Problem("session-ended")

    def answer(self, path: str, principal: Principal, body: bytes) -> bytes:
        """The answer to a POST; raises `Problem`."""
        match path:
            case "/sessions":
                return self._begin(principal, *decode_session(body))
            case "/sessions/refresh":
                return encode_renewed(self._renew(*decode_refresh(body)))
            case "/sessions/end":
                return self._end(principal, decode_end(body))
        raise Problem("not-found")

    async def revocations(self) -> bytes:
        """The signed list of ended sessions."""
        return (await mint_revocations(self.keys, self.floor, self.ended, self._clock())).encode()

    def _begin(self, principal: Principal, claims: Mapping[str, JSON], jkt: str | None) -> bytes:
        self.check(Principal(principal.subject, principal.sid, self.epochs.setdefault(principal.subject, 1)))
        now = self._clock()
        family = _Family(principal.subject, claims, jkt, int(now), renewed_at=now)
        self._families[principal.sid] = family
        return encode_begun(self.epochs[principal.subject], self._issue(principal.sid, family))

    def _renew(self, token: str, jkt: str | None) -> Renewed:
        sid, secret = split_refresh(token)
        family = self._families.get(sid)
        if family is None or secret not in family.tokens:
            raise Problem("session-ended")
        if family.jkt is not None and family.jkt != jkt:
            if family.late and (jkt is not None or secret not in family.proven):
                self._forget(sid)
                raise Problem("session-ended")
            raise Problem("device-proof")
        family.late = family.late or (family.jkt is None and jkt is not None)
        generation, now = family.tokens[secret], self._clock()
        if generation < family.generation or now >= family.renewed_at + REFRESH_LIFE:
            self._forget(sid)
            raise Problem("session-ended")
        family.generation, family.jkt, family.renewed_at = generation, jkt, now
        return Renewed(
            sid,
            family.subject,
            family.claims,
            self.epochs[family.subject],
            jkt,
            family.signed_in_at,
            self._issue(sid, family),
            family.late,
        )

    def _end(self, principal: Principal, everywhere: bool) -> bytes:
        self._forget(principal.sid)
        if everywhere:
            self.epochs[principal.subject] = self.epochs.get(principal.subject, 0) + 1
            for sid in [sid for sid, one in self._families.items() if one.subject == principal.subject]:
                self._forget(sid)
        return encode_json({})

    def _forget(self, sid: str) -> None:
        self._families.pop(sid, None)
        self.ended.add(sid)

    def _issue(self, sid: str, family: _Family) -> str:
        secret = f"{next(self._serial):043}"
        family.tokens[secret] = family.generation + 1
        if family.jkt is not None:
            family.proven.add(secret)
        return join_refresh(sid, secret)
