"""Strings that look random and are meant to be public, by the form in which they are published.

A key that a page has to contain is none of the secrets that a release must not have. Where a public key and a
secret look the same, what stands around it decides. Pure: text in, answers out.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator

SEPARATOR = re.compile(r"[.-]|(?<=[a-z0-9])(?=[A-Z])")  # within a name
NEAR = 400  # characters around a string that tell what it is for

# Prefixes and forms that their issuers give to keys for pages and apps, and to no secret.
FORMS = re.compile(
    r"pk_(?:test|live)_[A-Za-z0-9]{8,}[=$]*"  # Stripe, Clerk: publishable
    r"|pk\.eyJ[\w-]+\.[\w-]+"  # Mapbox: public
    r"|6L[\w-]{6}AAAAA[\w-]{27}"  # reCAPTCHA, both the site key and the secret: see `is_public`
    r"|0x4[A-Za-z0-9_-]{21,}"  # Turnstile: likewise
    r"|sb_publishable_[\w-]+"  # Supabase
    r"|phc_[A-Za-z0-9]{20,}"  # PostHog: project key
    r"|sq0id[pb]-[\w-]{22}|sandbox-sq0id[pb]-[\w-]{22}"  # Square: application
    r"|pub[0-9a-f]{32}"  # Datadog: client token
    r"|AAAA(?:C3NzaC1lZDI1NTE5|B3NzaC1yc2E|E2VjZHNhLXNoYTIt)[A-Za-z0-9+/=]+"  # SSH (RFC 4253 section 6.6)
    r"|\d+-[a-z0-9]{32}\.apps\.googleusercontent\.com"  # Google: OAuth client
    r"|https://[0-9a-f]{32}@[\w.-]+/\d+"  # Sentry: DSN without the old second key
)
# Of these the server's half has the same form.
TWO_HALVES = ("6L", "0x4")
SECRET_HALF = re.compile(r"secret|private", re.IGNORECASE)
# The names under which public halves stand where they have no form of their own.
PUBLIC_NAME = re.compile(
    r"(?:.*_)?(?:public|publishable|site|anon|client_side|search_?only)_?(?:api_?)?(?:key|token)s?(?:_.*)?",
    re.IGNORECASE,
)
# Google gives one form to keys for pages, which it restricts by referrer, and to keys for servers.
GOOGLE = re.compile(r"AIza[\w-]{35}")
FOR_PAGES = re.compile(
    r"firebase|authDomain|messagingSenderId|maps\.google|google[ ._-]?maps|maps[_-]", re.IGNORECASE
)
# Algolia's search key and its admin key have the same form; this is beside the one in a page.
HEX32 = re.compile(r"[0-9a-f]{32}")
SEARCH = re.compile(
    r"\bappId\b[\s\S]*\bindexName\b|\bindexName\b[\s\S]*\bappId\b|docsearch|algolia", re.IGNORECASE
)
ADMIN = re.compile(r"admin|write", re.IGNORECASE)
INTEGER, BIT_STRING, SEQUENCE = b"\x02", b"\x03", b"\x30"  # tags of DER
# P-256 (FIPS 186-5): y² = x³ - 3x + b
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

PEM = re.compile(
    r"-----BEGIN (?P<what>(?:[A-Z0-9]+ )*(?:PUBLIC KEY|CERTIFICATE|CERTIFICATE REQUEST|X509 CRL))-----"
    r"(?:(?!-----BEGIN)[\s\S]){0,40000}?-----END (?P=what)-----"
)
JWK = re.compile(r"""\{[^{}]{0,8000}?["']?\bkty\b["']?\s*:[^{}]{0,8000}?\}""")
PRIVATE_MEMBER = re.compile(r"""["']?\b(?:d|k|p|q|dp|dq|qi)\b["']?\s*:\s*["']""")


def is_public(name: str, text: str, near: str = "") -> bool:
    """Whether `text`, the value of `name` (empty: of nothing), is for everybody; `near` is around it."""
    name = SEPARATOR.sub("_", name)
    if FORMS.fullmatch(text):
        return not (text.startswith(TWO_HALVES) and SECRET_HALF.search(name))
    if PUBLIC_NAME.fullmatch(name) and not SECRET_HALF.search(name):
        return not text.startswith(("sk_", "rk_", "sk-"))
    if GOOGLE.fullmatch(text):
        return FOR_PAGES.search(f"{name} {near}") is not None
    if HEX32.fullmatch(text):
        return SEARCH.search(f"{name} {near}") is not None and ADMIN.search(name) is None
    return is_point(text) or is_public_der(text)


def is_public_token(token: str) -> bool:
    """Whether a JWT is a key for everybody: Supabase's says so itself."""
    try:
        claims = json.loads(_decoded(token.split(".")[1]))
    except (ValueError, IndexError):
        return False
    return isinstance(claims, dict) and claims.get("iss") == "supabase" and claims.get("role") == "anon"


def is_point(text: str) -> bool:
    """Whether this is a public key on P-256, uncompressed, as for VAPID (RFC 8292 section 3.2)."""
    try:
        point = _decoded(text)
    except ValueError:
        return False
    if len(point) != 65 or point[0] != 4:
        return False
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return (y * y - (x * x * x - 3 * x + B)) % PRIME == 0


def is_public_der(text: str) -> bool:
    """Whether this is a public key, a certificate or the request for one in base64 (RFC 5280, RFC 2986).

    Private keys begin with a version (RFC 5958, RFC 8017, RFC 5915), encrypted ones end in an octet string.
    """
    if not text.startswith("M"):
        return False
    try:
        content, _ = _element(_decoded(text), SEQUENCE)
        if content[:1] == INTEGER:  # of RSA: modulus and exponent, and in private keys a version first
            modulus, rest = _element(content, INTEGER)
            return len(modulus) > 32 and _element(rest, INTEGER)[1] == b""
        first, rest = _element(content, SEQUENCE)
    except ValueError:
        return False
    is_signed = first.startswith((b"\xa0\x03\x02\x01", INTEGER))  # it has a version or a number
    return rest.startswith(SEQUENCE if is_signed else BIT_STRING)


def _element(der: bytes, tag: bytes) -> tuple[bytes, bytes]:
    """Content of the first element, and what follows it (X.690); raises ValueError."""
    if len(der) < 2 or der[:1] != tag:
        raise ValueError(der[:1])
    length, start = der[1], 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(der[2:start], "big")
    if start + length > len(der):
        raise ValueError(length)
    return der[start : start + length], der[start + length :]


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where public keys stand in more than one piece: PEM blocks and JSON Web Keys (RFC 7517)."""
    if "-----BEGIN" in text:
        for match in PEM.finditer(text):
            yield match.span()
    if "kty" in text:
        for match in JWK.finditer(text):
            if PRIVATE_MEMBER.search(match[0]) is None:
                yield match.span()


def _decoded(text: str) -> bytes:
    """Bytes of base64 or base64url; raises ValueError."""
    try:
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text[:1]) from error
