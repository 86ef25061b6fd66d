"""Names that the kit makes: random, or following from a key where the same must come again."""

from __future__ import annotations

import base64
import hashlib

from .jose import encode_segment
from .types import Entropy


def new_sid(entropy: Entropy) -> str:
    """A session id: 128 random bits in 22 characters."""
    return encode_segment(entropy(16))


def base32(data: bytes) -> str:
    """Lower-case letters and digits (RFC 4648 section 6), without padding."""
    return base64.b32encode(data).rstrip(b"=").decode("ascii").lower()


def bound_key(subject: str, key: str) -> str:
    """The idempotency key that a handler sees: 32 characters made from `subject` and the client's `key`.

    Clients choose their keys. Whoever makes something of one (a record's id, a charge) must not make the same
    of another user's, so the user is part of it. Neither of the two can hold the separator.
    """
    return base32(hashlib.sha256(f"{subject}\0{key}".encode()).digest()[:20])


def numbered(key: str, number: int | str) -> str:
    """One of the ids that follow from a `bound_key`: 26 characters, 128 bits."""
    return base32(hashlib.sha256(f"{key}\0{number}".encode()).digest()[:16])
