"""What a view remembers about the newest requests whose effect it contains.

One string for each: the idempotency key in short, a mark of who keeps the answer, and the first digits of
the request's fingerprint. That tells a retry from another request under the same key.
"""

from __future__ import annotations

import hashlib

from .errors import Problem
from .jose import encode_segment

STORED, FORGOTTEN = "!", ":"  # the origin keeps the answer, or nobody does
COUNT = 20  # requests remembered in a view, which fills a cookie with little else
LENGTH = 12  # characters that stand for a key: 72 bits of its hash, as keys themselves may be long
DIGITS = 8  # of the fingerprint: enough against mistakes, and only the client itself could collide


def remember(applied: tuple[str, ...], key: str, fingerprint: str, *, stored: bool) -> tuple[str, ...]:
    """`applied` with one more request, without the oldest if there are too many."""
    entry = f"{short(key)}{STORED if stored else FORGOTTEN}{fingerprint[:DIGITS]}"
    return (*applied, entry)[-COUNT:]


def find(applied: tuple[str, ...], key: str, fingerprint: str) -> str | None:
    """The mark of this request if it has been applied before, else None.

    Raises `Problem("key-reused")` if another request was, under the same key.
    """
    name = short(key)
    for entry in applied:
        if entry[: -DIGITS - 1] == name:
            if entry[-DIGITS:] != fingerprint[:DIGITS]:
                raise Problem("key-reused")
            return entry[-DIGITS - 1]
    return None


def short(key: str) -> str:
    """What stands for an idempotency key in a view."""
    return encode_segment(hashlib.sha256(key.encode()).digest())[:LENGTH]
