"""Passwords as they may be stored: salted and slow to guess (scrypt, RFC 7914). Never in a browser."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import edge.server_only  # noqa: F401 - the build keeps this module out of the browser release

WORK, BLOCK, LANES = 2**14, 8, 5  # OWASP's password storage cheat sheet: 16 MiB, a few 10 ms


def new_salt() -> str:
    """128 random bits, in hexadecimal."""
    return secrets.token_hex(16)


def digest(password: str, salt: str) -> str:
    """What is stored instead of `password`, in hexadecimal."""
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=WORK, r=BLOCK, p=LANES).hex()


def matches(password: str, salt: str, stored: str) -> bool:
    """Whether `stored` was made from `password`; takes as long either way."""
    return hmac.compare_digest(digest(password, salt), stored)
