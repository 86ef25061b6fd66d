"""Signed tokens (compact JWS, ES256) and the one strict checker in front of them.

The checker is our own because libraries accept what RFC 8725 warns about: duplicate members, other
types of token, padded base64, header keys. The signature itself is left to a `Signer` or `Verifier`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from .errors import Problem
from .types import Clock, Signer, Verifier, View
from .wire import ASSERTION_LIFE, ASSERTION_TYPE, ORIGIN_AUDIENCE, encode_json

TOKEN_LIMIT = 4096  # bytes; checked before anything is decoded
LEEWAY = 5  # seconds of clock difference that are forgiven
VIEW_TYPE = "edgekit-view+jwt"  # to be read: by the service worker, which forgets the token at once
CREDENTIAL_TYPE = "edgekit-credential+jwt"  # the same claims as a cookie: proves who asks
VIEW_LIFE = 86_400  # seconds

_KID = re.compile(r"[A-Za-z0-9_\-]{1,43}")


def encode_segment(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_segment(text: str) -> bytes:
    """The one canonical reading of `text`; raises ValueError for any other spelling of the same bytes."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode_segment(data) != text:
        raise ValueError("not canonical base64url")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _object(segment: str) -> dict[str, Any]:
    value = json.loads(decode_segment(segment).decode("utf-8"), object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 thumbprint of a P-256 public key: our `kid`."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encode_segment(hashlib.sha256(encode_json(required)).digest())


def public_set(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The JWK set (RFC 7517 section 5) that may be published for a private key."""
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    return {"keys": [{**public, "kid": thumbprint(jwk), "alg": "ES256", "use": "sig"}]}


async def mint(signer: Signer, token_type: str, claims: Mapping[str, Any]) -> str:
    """Sign `claims` as a compact JWS whose header is exactly alg, kid and typ."""
    header = encode_json({"alg": "ES256", "kid": signer.kid, "typ": token_type})
    message = f"{encode_segment(header)}.{encode_segment(encode_json(claims))}"
    return f"{message}.{encode_segment(await signer.sign(message.encode('ascii')))}"


async def check(
    token: str, token_type: str, verifier: Verifier, *, now: float, max_life: int
) -> dict[str, Any]:
    """Return the claims of a good token; raise `Problem("unauthorized")` for every other input.

    `now` is wall time in seconds; `max_life` bounds `exp - iat` in seconds. The problem never says why.
    """
    try:
        return await _check(token, token_type, verifier, now, max_life)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
        raise Problem("unauthorized") from error


async def _check(
    token: str, token_type: str, verifier: Verifier, now: float, max_life: int
) -> dict[str, Any]:
    if len(token) > TOKEN_LIMIT:
        raise ValueError("too long")
    message, _, signature = token.rpartition(".")
    head, payload = message.split(".")
    header = _object(head)
    if header != {"alg": "ES256", "kid": header["kid"], "typ": token_type}:
        raise ValueError("header")
    if not isinstance(header["kid"], str) or _KID.fullmatch(header["kid"]) is None:
        raise ValueError("kid")
    raw = decode_segment(signature)
    if len(raw) != 64 or not await verifier.verify(header["kid"], message.encode("ascii"), raw):
        raise ValueError("signature")
    claims = _object(payload)
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise TypeError("times are integers")
    if not 0 < expires - issued <= max_life or not issued - LEEWAY <= now < expires + LEEWAY:
        raise ValueError("time")
    return claims


async def mint_view(signer: Signer, view: View, now: float, token_type: str = VIEW_TYPE) -> str:
    """Sign a view; `now` is wall time in seconds. The result may exceed what a cookie can hold."""
    issued = int(now)
    return await mint(
        signer,
        token_type,
        {
            "sub": view.subject,
            "iat": issued,
            "exp": issued + VIEW_LIFE,
            "ver": view.version,
            "keys": list(view.applied),
            "state": dict(view.state),
        },
    )


async def open_view(token: str, verifier: Verifier, now: float, token_type: str = VIEW_TYPE) -> View:
    """Check a view token; raises `Problem("unauthorized")`."""
    claims = await check(token, token_type, verifier, now=now, max_life=VIEW_LIFE)
    subject, version, state, keys = (claims.get(name) for name in ("sub", "ver", "state", "keys"))
    if (
        not isinstance(subject, str)
        or type(version) is not int
        or not isinstance(state, dict)
        or not isinstance(keys, list)
        or not all(isinstance(key, str) for key in keys)
    ):
        raise Problem("unauthorized")
    return View(subject, version, state, tuple(keys), claims["iat"])


async def mint_assertion(
    signer: Signer, subject: str, method: str, target: str, body: bytes, key: str, clock: Clock
) -> str:
    """The edge's statement to the origin: this call, for this user, now. `key` may be empty."""
    issued = int(clock())
    claims = {
        "aud": ORIGIN_AUDIENCE,
        "sub": subject,
        "iat": issued,
        "exp": issued + ASSERTION_LIFE,
        **_call(method, target, body, key),
    }
    return await mint(signer, ASSERTION_TYPE, claims)


async def check_assertion(
    token: str, verifier: Verifier, method: str, target: str, body: bytes, key: str, clock: Clock
) -> str:
    """Return the subject if `token` vouches for exactly this call; raises `Problem("unauthorized")`."""
    claims = await check(token, ASSERTION_TYPE, verifier, now=clock(), max_life=ASSERTION_LIFE)
    expected = {"aud": ORIGIN_AUDIENCE, **_call(method, target, body, key)}
    subject = claims.get("sub")
    if any(claims.get(name) != value for name, value in expected.items()) or not isinstance(subject, str):
        raise Problem("unauthorized")
    return subject


def _call(method: str, target: str, body: bytes, key: str) -> dict[str, str]:
    digest = encode_segment(hashlib.sha256(body).digest())
    return {"htm": method, "htu": target, "bd": digest, "ik": key}
