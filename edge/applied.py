"""What a view remembers about the newest requests whose effect it contains.

One string for each: the idempotency key, a mark of who keeps the answer, and the first digits of the
request's fingerprint. That tells a retry from another request under the same key.
"""

from __future__ import annotations

from .errors import Problem

STORED, FORGOTTEN = "!", ":"  # the origin keeps the answer, or nobody does
COUNT = 8  # requests remembered in a view
SIZE = 480  # bytes that they may take there
DIGITS = 8  # of the fingerprint: enough against mistakes, and only the client itself could collide


def remember(applied: tuple[str, ...], key: str, fingerprint: str, *, stored: bool) -> tuple[str, ...]:
    """`applied` with one more request, without the oldest ones that no longer fit."""
    entries = [*applied, f"{key}{STORED if stored else FORGOTTEN}{fingerprint[:DIGITS]}"][-COUNT:]
    while sum(map(len, entries)) > SIZE:
        del entries[0]
    return tuple(entries)


def find(applied: tuple[str, ...], key: str, fingerprint: str) -> str | None:
    """The mark of this request if it has been applied before, else None.

    Raises `Problem("key-reused")` if another request was, under the same key.
    """
    for entry in applied:
        if entry[: -DIGITS - 1] == key:
            if entry[-DIGITS:] != fingerprint[:DIGITS]:
                raise Problem("key-reused")
            return entry[-DIGITS - 1]
    return None
