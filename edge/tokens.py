"""The tokens that edges and the origin make: what is in each, who may read it, how long it lives.

    session      JWE   edge to itself, in a cookie: who the user is; a guest's lives longer
    sealed       JWE   edge to itself, in a cookie: state that the user must not read
    view         JWS   edge to browser and edge: the user's readable state
    assertion    JWS   edge to origin: one call, for one user, now
    revocations  JWS   origin to edges: sessions that have ended early

Times are wall time in seconds. Everything that opens a token raises `Problem("unauthorized")`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Problem
from .jose import encode_segment, seal, sign, unseal, verify
from .types import JSON, Clock, Entropy, Principal, Sealer, Signer, Verifier, View
from .wire import ASSERTION_LIFE, ASSERTION_TYPE, ORIGIN_AUDIENCE

SESSION_TYPE, SESSION_LIFE = "edgekit-session+jwe", 600
GUEST_TYPE, GUEST_LIFE = "edgekit-guest+jwe", 14 * 86_400
SEALED_TYPE, SEALED_LIFE = "edgekit-sealed+jwe", 86_400
VIEW_TYPE, VIEW_LIFE = "edgekit-view+jwt", 14 * 86_400
REFRESH_LIFE = 14 * 86_400  # of the opaque token that renews a session; the origin's to judge
REVOCATIONS_TYPE, REVOCATIONS_LIFE = "edgekit-revocations+jwt", 60
REVOCATIONS_LIMIT = 1_048_576  # characters
LONGEST_LIFE = max(SESSION_LIFE, GUEST_LIFE, SEALED_LIFE, VIEW_LIFE)  # so long an old key is needed

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks. `sid` names the session for as long as it is renewed; `signed_in_at` is when it began.

    `epoch` is the user's at that time (see `Principal`), `claims` what the app said about the user who
    signed in, `jkt` the thumbprint of the device key that the session is bound to; `late` says that this was
    not when the user signed in, but at a renewal, by whoever came first with a key. Times in seconds.
    """

    subject: str
    sid: str
    guest: bool
    signed_in_at: int
    epoch: int
    claims: Mapping[str, JSON]
    jkt: str | None = None
    issued_at: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class Revoked:
    """Sessions that have ended: those that are named, and all that were issued before `floor`."""

    floor: int
    sids: frozenset[str]
    issued_at: int


async def mint_session(sealer: Sealer, session: Session, now: float, entropy: Entropy) -> str:
    """Seal a session, issued now whatever `session.issued_at` says."""
    kind, life = (GUEST_TYPE, GUEST_LIFE) if session.guest else (SESSION_TYPE, SESSION_LIFE)
    claims = {
        "sub": session.subject,
        "sid": session.sid,
        **_times(now, life),
        "aut": session.signed_in_at,
        "epo": session.epoch,
        "usr": dict(session.claims),
        **_bound(session.jkt, session.late),
    }
    return await seal(sealer, kind, claims, entropy)


async def open_session(token: str, sealer: Sealer, now: float) -> Session:
    """Read a session of either kind."""
    try:
        claims, guest = await unseal(token, SESSION_TYPE, sealer, now=now, max_life=SESSION_LIFE), False
    except Problem:
        claims, guest = await unseal(token, GUEST_TYPE, sealer, now=now, max_life=GUEST_LIFE), True
    _shaped(claims, sub=str, sid=str, aut=int, epo=int, usr=dict)
    began, epoch, user = claims["aut"], claims["epo"], claims["usr"]
    jkt, late = _binding(claims)
    return Session(claims["sub"], claims["sid"], guest, began, epoch, user, jkt, claims["iat"], late)


async def mint_sealed(
    sealer: Sealer, sid: str, version: int, values: Mapping[str, JSON], now: float, entropy: Entropy
) -> str:
    """Seal state for one session."""
    claims = {"sid": sid, **_times(now, SEALED_LIFE), "ver": version, "val": dict(values)}
    return await seal(sealer, SEALED_TYPE, claims, entropy)


async def open_sealed(token: str, sealer: Sealer, sid: str, now: float) -> tuple[int, dict[str, Any]]:
    """The version and the values, if they were sealed for this session."""
    claims = await unseal(token, SEALED_TYPE, sealer, now=now, max_life=SEALED_LIFE)
    _shaped(claims, sid=str, ver=int, val=dict)
    if claims["sid"] != sid:
        raise Problem("unauthorized")
    return claims["ver"], claims["val"]


async def mint_view(signer: Signer, view: View, now: float) -> str:
    """Sign a view, issued now whatever `view.issued_at` says. It may exceed what a cookie can hold."""
    claims = {
        "sub": view.subject,
        "sid": view.sid,
        **_times(now, VIEW_LIFE),
        "ver": view.version,
        "keys": list(view.applied),
        "state": dict(view.state),
        "usr": dict(view.claims),
        "guest": view.guest,
        "frm": view.form_secret,
        "shp": view.shape,
        **_bound(view.jkt, view.late),
    }
    return await sign(signer, VIEW_TYPE, claims)


async def open_view(token: str, verifier: Verifier, now: float) -> View:
    """Read a view."""
    claims = await verify(token, VIEW_TYPE, verifier, now=now, max_life=VIEW_LIFE)
    _shaped(claims, sub=str, sid=str, ver=int, keys=list, state=dict, usr=dict, guest=bool, frm=str, shp=int)
    if not all(isinstance(key, str) for key in claims["keys"]):
        raise Problem("unauthorized")
    jkt, late = _binding(claims)
    return View(
        subject=claims["sub"],
        version=claims["ver"],
        state=claims["state"],
        applied=tuple(claims["keys"]),
        issued_at=claims["iat"],
        sid=claims["sid"],
        guest=claims["guest"],
        claims=claims["usr"],
        form_secret=claims["frm"],
        jkt=jkt,
        shape=claims["shp"],
        late=late,
    )


async def mint_assertion(
    signer: Signer, principal: Principal, method: str, target: str, body: bytes, key: str, clock: Clock
) -> str:
    """The edge's statement to the origin: this call, for this user, now. `key` may be empty."""
    claims = {
        "aud": ORIGIN_AUDIENCE,
        "sub": principal.subject,
        "sid": principal.sid,
        "epo": principal.epoch,
        **_times(clock(), ASSERTION_LIFE),
        **_call(method, target, body, key),
    }
    return await sign(signer, ASSERTION_TYPE, claims)


async def check_assertion(
    token: str, verifier: Verifier, method: str, target: str, body: bytes, key: str, clock: Clock
) -> Principal:
    """For whom the call is, if `token` vouches for exactly this one."""
    claims = await verify(token, ASSERTION_TYPE, verifier, now=clock(), max_life=ASSERTION_LIFE)
    _shaped(claims, sub=str, sid=str, epo=int)
    expected = {"aud": ORIGIN_AUDIENCE, **_call(method, target, body, key)}
    if any(claims.get(name) != value for name, value in expected.items()):
        raise Problem("unauthorized")
    return Principal(claims["sub"], claims["sid"], claims["epo"])


async def mint_revocations(signer: Signer, floor: int, sids: Collection[str], now: float) -> str:
    """The origin's list of what has ended; `REVOCATIONS_LIMIT` holds some 40 000 sessions."""
    claims = {**_times(now, REVOCATIONS_LIFE), "floor": floor, "sids": list(sids)}
    return await sign(signer, REVOCATIONS_TYPE, claims)


async def open_revocations(token: str, verifier: Verifier, now: float) -> Revoked:
    """Read the origin's list."""
    claims = await verify(
        token, REVOCATIONS_TYPE, verifier, now=now, max_life=REVOCATIONS_LIFE, limit=REVOCATIONS_LIMIT
    )
    _shaped(claims, floor=int, sids=list)
    if not all(isinstance(sid, str) for sid in claims["sids"]):
        raise Problem("unauthorized")
    return Revoked(claims["floor"], frozenset(claims["sids"]), claims["iat"])


def _times(now: float, life: int) -> Claims:
    issued = int(now)
    return {"iat": issued, "exp": issued + life}


def _call(method: str, target: str, body: bytes, key: str) -> Claims:
    digest = encode_segment(hashlib.sha256(body).digest())
    return {"htm": method, "htu": target, "bd": digest, "ik": key}


def _bound(jkt: str | None, late: bool) -> Claims:
    return {} if jkt is None else {"jkt": jkt} | ({"late": True} if late else {})


def _binding(claims: Claims) -> tuple[str | None, bool]:
    if "jkt" in claims:
        _shaped(claims, jkt=str)
    if "late" in claims:
        _shaped(claims, late=bool)
    return claims.get("jkt"), claims.get("late", False)


def _shaped(claims: Claims, **members: type) -> None:
    """Each of `members` is there and of exactly that type: JSON's true is no number."""
    if any(type(claims.get(name)) is not kind for name, kind in members.items()):
        raise Problem("unauthorized")
