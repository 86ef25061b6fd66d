"""Compact JWS and JWE, and the one strict checker in front of every library (RFC 7515, 7516, 8725).

The checker is our own because libraries accept what RFC 8725 warns about: duplicate members, other
types of token, padded base64, keys in headers. The cryptography itself is left to a `Signer`,
`Verifier` or `Sealer`. Whatever is wrong with a token, the answer is the same: `Problem("unauthorized")`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from .errors import Problem
from .types import Entropy, ProofVerifier, Sealer, Signer, Verifier
from .wire import encode_json, nested_too_deep

TOKEN_LIMIT = 4096  # characters of a token; checked before anything is decoded
HEADER_LIMIT = 1024  # characters of its first segment
LEEWAY = 5  # seconds of clock difference that are forgiven
PROOF_TYPE = "dpop+jwt"  # RFC 9449 section 4.2
PROOF_WINDOW = 30  # seconds that a proof may be old, or ahead
IV_LENGTH, TAG_LENGTH = 12, 16  # bytes; RFC 7518 section 5.3
COORDINATE_LENGTH, SIGNATURE_LENGTH = 32, 64  # bytes; RFC 7518 sections 6.2.1.2 and 3.4

KEY_ID = re.compile(r"[A-Za-z0-9_\-]{1,43}")


def encode_segment(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_segment(text: str) -> bytes:
    """The one canonical reading of `text`; raises ValueError for any other spelling of the same bytes."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode_segment(data) != text:
        raise ValueError("not canonical base64url")
    return data


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 thumbprint of a P-256 public key (43 characters)."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encode_segment(hashlib.sha256(encode_json(required)).digest())


async def sign(signer: Signer, token_type: str, claims: Mapping[str, Any]) -> str:
    """Sign `claims` as a compact JWS whose header is exactly alg, kid and typ."""
    kid = signer.kid
    header = encode_json({"alg": "ES256", "kid": kid, "typ": token_type})
    message = f"{encode_segment(header)}.{encode_segment(encode_json(claims))}"
    return f"{message}.{encode_segment(await signer.sign(kid, message.encode('ascii')))}"


async def verify(
    token: str, token_type: str, verifier: Verifier, *, now: float, max_life: int, limit: int = TOKEN_LIMIT
) -> dict[str, Any]:
    """The claims of a good JWS; raises `Problem("unauthorized")` for every other input.

    `now` is wall time in seconds, `max_life` bounds `exp - iat` in seconds, `limit` the token in
    characters. The problem never says why.
    """
    try:
        head, payload, signature = _segments(token, limit)
        kid = _key_id(head, {"alg": "ES256", "typ": token_type})
        good = await verifier.verify(kid, f"{head}.{payload}".encode("ascii"), _signature(signature))
        return _timely(_object(decode_segment(payload)), now, max_life) if good else _refuse("signature")
    except Exception as error:  # libraries raise what they like, so nothing less than everything
        raise Problem("unauthorized") from error


async def seal(sealer: Sealer, token_type: str, claims: Mapping[str, Any], entropy: Entropy) -> str:
    """Encrypt `claims` as a compact JWE (dir, A256GCM) whose header is exactly alg, enc, kid and typ."""
    kid, iv = sealer.sealing_kid, entropy(IV_LENGTH)
    head = encode_segment(encode_json({"alg": "dir", "enc": "A256GCM", "kid": kid, "typ": token_type}))
    sealed = await sealer.seal(kid, iv, encode_json(claims), head.encode("ascii"))
    content, tag = sealed[:-TAG_LENGTH], sealed[-TAG_LENGTH:]
    return f"{head}..{encode_segment(iv)}.{encode_segment(content)}.{encode_segment(tag)}"


async def unseal(
    token: str, token_type: str, sealer: Sealer, *, now: float, max_life: int, limit: int = TOKEN_LIMIT
) -> dict[str, Any]:
    """The claims of a good JWE; raises `Problem("unauthorized")` for every other input. See `verify`."""
    try:
        head, key, iv, content, tag = _segments(token, limit)
        kid = _key_id(head, {"alg": "dir", "enc": "A256GCM", "typ": token_type})
        nonce, mark = decode_segment(iv), decode_segment(tag)
        if key or len(nonce) != IV_LENGTH or len(mark) != TAG_LENGTH:
            _refuse("segments")
        plain = await sealer.unseal(kid, nonce, decode_segment(content) + mark, head.encode("ascii"))
        return _refuse("tag") if plain is None else _timely(_object(plain), now, max_life)
    except Exception as error:
        raise Problem("unauthorized") from error


async def verify_proof(token: str, verifier: ProofVerifier, *, now: float) -> tuple[dict[str, Any], str]:
    """The claims of a DPoP proof and the thumbprint of the key that made it (RFC 9449 section 4.3).

    Checked is what concerns the proof alone: form, signature, age. Whether it is for this request is
    the caller's to compare. Raises `Problem("unauthorized")`.
    """
    try:
        head, payload, signature = _segments(token, TOKEN_LIMIT)
        header = _header(head)
        jwk = _public_key(header["jwk"])
        if header != {"alg": "ES256", "jwk": jwk, "typ": PROOF_TYPE}:
            _refuse("header")
        if not await verifier(jwk, f"{head}.{payload}".encode("ascii"), _signature(signature)):
            _refuse("signature")
        claims = _object(decode_segment(payload))
        if type(claims["iat"]) is not int or abs(now - claims["iat"]) > PROOF_WINDOW:
            _refuse("time")
        if not all(claims[name].isascii() and claims[name] for name in ("jti", "htm", "htu")):
            _refuse("claims")
        return claims, thumbprint(jwk)
    except Exception as error:
        raise Problem("unauthorized") from error


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)


def _segments(token: str, limit: int) -> list[str]:
    return token.split(".") if len(token) <= limit else _refuse("length")


def _header(segment: str) -> dict[str, Any]:
    return _object(decode_segment(segment)) if len(segment) <= HEADER_LIMIT else _refuse("header")


def _key_id(segment: str, members: Mapping[str, str]) -> str:
    """The `kid` of a header that has it and `members`, and nothing else."""
    header = _header(segment)
    kid = header["kid"]
    if header != {**members, "kid": kid} or KEY_ID.fullmatch(kid) is None:
        _refuse("header")
    return str(kid)


def _public_key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """`jwk` if it is a public P-256 key with nothing beside it (RFC 7518 section 6.2.1)."""
    x, y = jwk["x"], jwk["y"]
    if jwk != {"crv": "P-256", "kty": "EC", "x": x, "y": y}:
        _refuse("jwk")
    if any(len(decode_segment(part)) != COORDINATE_LENGTH for part in (x, y)):
        _refuse("coordinates")
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _signature(segment: str) -> bytes:
    signature = decode_segment(segment)
    return signature if len(signature) == SIGNATURE_LENGTH else _refuse("signature")


def _object(text: bytes) -> dict[str, Any]:
    if nested_too_deep(text):
        _refuse("depth")  # where a parser's recursion ends the interpreter there is nothing to catch
    value = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    return value if isinstance(value, dict) else _refuse("object")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _refuse("duplicate member")


def _timely(claims: dict[str, Any], now: float, max_life: int) -> dict[str, Any]:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        _refuse("times are integers")
    if not 0 < expires - issued <= max_life or not issued - LEEWAY <= now < expires + LEEWAY:
        _refuse("time")
    return claims
