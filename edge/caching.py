"""What an answer says to the caches between an edge and a browser.

Caches of delivery networks have fields of their own, which count there instead of Cache-Control (RFC 9213):
`Cache-Control: private` beside one of them keeps nothing out of a cache that is shared.
"""

from __future__ import annotations

Headers = list[tuple[bytes, bytes]]

PRIVATE = (b"cache-control", b"private, no-cache")


def controls(name: bytes) -> bool:
    """Whether a header of this name (in lower case) tells caches what to do: Cache-Control, one of RFC 9213
    (`CDN-Cache-Control`, those of one network too), or their elder."""
    return name.endswith(b"cache-control") or name == b"surrogate-control"


def caching_of(headers: Headers) -> bytes:
    """All that `Cache-Control` says, in lower case."""
    return b",".join(value for name, value in headers if name == b"cache-control").lower()


def is_shareable(headers: Headers) -> bool:
    """Whether the app lets any cache give this answer to others."""
    own = (value.lower() for name, value in headers if controls(name) and name != b"cache-control")
    return any(
        said.strip() and b"private" not in said and b"no-store" not in said
        for said in (caching_of(headers), *own)
    )


def made_private(headers: Headers) -> Headers:
    """The same for one browser only."""
    return [*(pair for pair in headers if not controls(pair[0])), PRIVATE]
