"""Edges: who asks is in encrypted cookies, and a session that grows old is renewed on the way.

A guest's session lives as long as its cookie and needs no origin. A user's lives ten minutes; then the
refresh token, which only the origin can judge, yields the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from . import cookies
from .csrf import form_secret
from .errors import Problem
from .guests import author_of
from .intake import SAFE
from .origin_client import OriginClient
from .proof import NONCE_HEADER, Proof, Proofs
from .state import too_large
from .tokens import (
    GUEST_LIFE,
    REFRESH_LIFE,
    SEALED_LIFE,
    SESSION_LIFE,
    VIEW_LIFE,
    Session,
    mint_sealed,
    mint_session,
    mint_view,
    open_sealed,
    open_session,
    open_view,
)
from .types import JSON, Clock, Entropy, Keys, View
from .visitor import CLIENT_HEADER, VIEW_HEADER, Changes, Headers, Visitor

if TYPE_CHECKING:
    from .revocations import Revocations

GUEST_RENEWAL = 86_400  # seconds after which a guest's session is sealed anew
NO_VIEW, CHANGED_VIEW = b"none", b"changed"


class CookieVisitors:
    """A `Visitors`. Without `revocations` no session ends before its time (tests of other things)."""

    def __init__(
        self,
        keys: Keys,
        proofs: Proofs,
        origin: OriginClient,
        revocations: Revocations | None,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._keys = keys
        self._proofs = proofs
        self._origin = origin
        self._revocations = revocations
        self._clock = clock
        self._entropy = entropy

    async def open(self, scope: dict[str, Any]) -> Visitor:
        visitor = Visitor(proof=await self._proofs.check(scope))
        if any(name in (CLIENT_HEADER, b"dpop") for name, _ in scope["headers"]):
            visitor.headers.append((NONCE_HEADER, self._proofs.nonce().encode()))
        try:
            visitor.session = await self._session(scope, visitor)
            if visitor.session is not None and self._revocations is not None:
                await self._revocations.check(visitor.session, writing=scope["method"] not in SAFE)
        except Problem as problem:
            problem.fields += visitor.headers
            raise
        if visitor.session is not None:
            visitor.view = await self._view(scope, visitor.session)
            visitor.sealed = await self._sealed(scope, visitor.session)
        return visitor

    async def _session(self, scope: dict[str, Any], visitor: Visitor) -> Session | None:
        now, writing = self._clock(), scope["method"] not in SAFE
        token, refresh = cookies.read(scope, cookies.SESSION), cookies.read(scope, cookies.REFRESH)
        session: Session | None = None
        if token is not None:
            try:
                session = await open_session(token, self._keys, now)
            except Problem:
                session = None  # old, or of keys that are gone, or not ours
        if session is not None and session.jkt is not None:
            proof = visitor.proof
            if not self._is_by(proof, session.sid, session.jkt) or not self._proofs.admit(proof):
                raise self.refusal(proof)
        age = now - session.issued_at if session is not None else 0
        old = age > SESSION_LIFE / 2 or self._is_outdated(session)
        if refresh is not None and (session is None or (not session.guest and old)):
            return await self._renewed(scope, visitor, session, refresh)
        if session is None and token is not None:
            if writing:
                raise Problem("session-ended")
            visitor.headers += self.dismiss(scope)
        if session is not None and session.guest and age > GUEST_RENEWAL:
            session = replace(session, issued_at=int(now))
            visitor.headers += await self._session_cookie(scope, session)
        return session

    async def _renewed(
        self, scope: dict[str, Any], visitor: Visitor, session: Session | None, refresh: str
    ) -> Session | None:
        writing = scope["method"] not in SAFE
        proof = visitor.proof
        fits = proof is not None and proof.fresh and proof.names(refresh.partition(".")[0])
        try:
            renewed = await self._origin.refresh_session(refresh, proof.jkt if proof and fits else None)
        except Problem as problem:
            if problem.code == "device-proof" and session is None:
                raise self.refusal(visitor.proof) from problem
            if problem.code == "session-ended" and session is None and not writing:
                visitor.headers += self.dismiss(scope)
                return None
            if problem.code == "session-ended" or (session is None and writing):
                raise
            # The origin is away, or the device gave no proof: what is there is good until its time is over.
            visitor.is_unknown = session is None
            return session
        if session is None and renewed.jkt is not None and proof and not self._proofs.admit(proof):
            raise self.refusal(proof)  # the origin has judged the token, but not whether this is a copy
        fresh = Session(
            renewed.subject,
            renewed.sid,
            False,
            renewed.signed_in_at,
            renewed.epoch,
            renewed.claims,
            renewed.jkt,
            int(self._clock()),
            renewed.late,
        )
        visitor.headers += await self._session_cookie(scope, fresh)
        visitor.headers.append(cookies.write(scope, cookies.REFRESH, renewed.refresh, REFRESH_LIFE))
        return fresh

    def _is_outdated(self, session: Session | None) -> bool:
        known = self._revocations
        return known is not None and session is not None and known.is_outdated(session)

    def _is_by(self, proof: Proof | None, sid: str, jkt: str) -> TypeGuard[Proof]:
        return proof is not None and proof.fresh and proof.jkt == jkt and proof.names(sid)

    def refusal(self, proof: Proof | None) -> Problem:
        """With the nonce, so that who has the key can try once more (RFC 9449 section 8)."""
        error = "invalid_dpop_proof" if proof is not None and proof.fresh else "use_dpop_nonce"
        headers = {"www-authenticate": f'DPoP error="{error}"', "dpop-nonce": self._proofs.nonce()}
        return Problem("device-proof", headers=headers)

    async def _view(self, scope: dict[str, Any], session: Session) -> View | None:
        token = cookies.read(scope, cookies.VIEW)
        if token is None:
            return None
        try:
            view = await open_view(token, self._keys, self._clock())
        except Problem:
            return None
        return view if (view.sid, view.subject) == (session.sid, session.subject) else None

    async def _sealed(self, scope: dict[str, Any], session: Session) -> Mapping[str, JSON] | None:
        token = cookies.read(scope, cookies.SEALED)
        if token is None:
            return None
        try:
            _version, values = await open_sealed(token, self._keys, session.sid, self._clock())
        except Problem:
            return None
        return values

    async def seal(self, session: Session, version: int, values: Mapping[str, JSON]) -> str:
        return await mint_sealed(self._keys, session.sid, version, values, self._clock(), self._entropy)

    async def issue(self, scope: dict[str, Any], changes: Changes) -> Headers:
        headers: Headers = []
        if changes.session is not None:
            headers += await self._session_cookie(scope, changes.session)
        if changes.refresh is not None:
            headers.append(cookies.write(scope, cookies.REFRESH, changes.refresh, REFRESH_LIFE))
        if changes.sealed is not None:
            headers.append(cookies.write(scope, cookies.SEALED, changes.sealed, SEALED_LIFE))
        if changes.view is not None:
            token, cookie = await self._view_cookie(scope, changes.view)
            headers.append(cookie)
            # A service worker cannot see Set-Cookie, so it asks for the view in a header of its own.
            asked = any(name == CLIENT_HEADER for name, _ in scope["headers"])
            headers.append((VIEW_HEADER, token.encode() if asked else CHANGED_VIEW))
        largest = max(len(value) for _, value in headers)
        if largest > cookies.COOKIE_LIMIT:
            raise too_large(changes.view.state if changes.view else {}, largest, cookies.COOKIE_LIMIT)
        return headers

    async def _view_cookie(self, scope: dict[str, Any], view: View) -> tuple[str, cookies.Header]:
        """The token and its cookie. What remembers requests makes room for state, the oldest first."""
        while True:
            token = await mint_view(self._keys, view, self._clock())
            cookie = cookies.write(scope, cookies.VIEW, token, VIEW_LIFE)
            if len(cookie[1]) <= cookies.COOKIE_LIMIT or not view.applied:
                return token, cookie
            view = replace(view, applied=view.applied[1:])

    def dismiss(self, scope: dict[str, Any]) -> Headers:
        return [*cookies.erase(scope), (VIEW_HEADER, NO_VIEW)]

    def form_secret(self, session: Session) -> str:
        return form_secret(self._keys.mac("form", session.sid.encode()))

    def form_secrets(self, session: Session) -> list[str]:
        return self._form_secrets(session.sid)

    def _form_secrets(self, sid: str) -> list[str]:
        return [form_secret(mac) for mac in self._keys.macs("form", sid.encode())]

    def author(self, scope: dict[str, Any], session: Session | None) -> str | None:
        return author_of(scope, session, self._form_secrets)

    async def _session_cookie(self, scope: dict[str, Any], session: Session) -> Headers:
        token = await mint_session(self._keys, session, self._clock(), self._entropy)
        life = GUEST_LIFE if session.guest else SESSION_LIFE
        return [cookies.write(scope, cookies.SESSION, token, life)]
