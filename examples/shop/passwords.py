"""Passwords as they may be stored: salted and slow to guess (scrypt, RFC 7914). Never in a browser."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from anyio import CapacityLimiter, to_thread

import edge.server_only  # noqa: F401 - the build keeps this module out of the browser release
from edge import NeedsEdge

WORK, BLOCK, LANES = 2**14, 8, 5  # OWASP's password storage cheat sheet: 16 MiB, a few 10 ms


AT_ONCE = CapacityLimiter(2)  # whoever sends many at once waits, and takes no memory
NOBODYS = "00" * 16


def new_salt() -> str:
    """128 random bits, in hexadecimal."""
    return secrets.token_hex(16)


async def digest(password: str, salt: str) -> str:
    """What is stored instead of `password`, in hexadecimal. Other requests go on meanwhile.

    Raises NeedsEdge on an edge in Pyodide, which has no OpenSSL and so no scrypt: 503, a native one can.
    """
    if not hasattr(hashlib, "scrypt"):
        raise NeedsEdge("scrypt")
    return await to_thread.run_sync(_scrypt, password, salt, limiter=AT_ONCE)


async def matches(password: str, account: Mapping[str, str] | None) -> bool:
    """Whether it is the password of `account`. Takes as long where there is none: time must not tell."""
    salt, stored = (account["salt"], account["password"]) if account is not None else (NOBODYS, "")
    return hmac.compare_digest(await digest(password, salt), stored)


def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=WORK, r=BLOCK, p=LANES).hex()
