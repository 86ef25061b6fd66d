"""Which sites' service workers may read what this edge answers, though their pages have another origin.

The Fetch standard's CORS protocol, of it the least: reads by sites that this edge was told of, without
credentials. Whatever else a browser wants to read or send across origins it is not allowed to.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

Headers = list[tuple[bytes, bytes]]

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
PORTS = {"http": 80, "https": 443}
_READS = ("GET", "HEAD")
# Who sends one of these is not nobody.
_CREDENTIALS = frozenset({b"cookie", b"authorization", b"dpop"})
_VARY = (b"vary", b"origin")


def origin_of(text: str) -> str:
    """An origin such as `https://a.example` as browsers spell it: lower case, without the usual port.

    Raises ValueError for everything else, also for an address with a path, a query or a password.
    """
    found = _ORIGIN.fullmatch(text.strip().lower())
    port = int(found["port"]) if found and found["port"] else None
    if not found or (port is not None and not 0 < port < 65_536):
        raise ValueError(f"{text!r} is not an origin: write it like https://a.example, without a path")
    base = f"{found['scheme']}://{found['host']}"
    return base if port in (None, PORTS[found["scheme"]]) else f"{base}:{port}"


def origins(text: str) -> frozenset[str]:
    """Origins with commas between; raises ValueError."""
    return frozenset(origin_of(one) for one in text.split(",") if one.strip())


def is_reader(scope: dict[str, Any], sites: Collection[str]) -> bool:
    """Whether this is an anonymous read by one of `sites`."""
    return bool(sites) and _reader(scope, sites) is not None


def _reader(scope: dict[str, Any], sites: Collection[str]) -> bytes | None:
    headers: Headers = scope["headers"]
    asking = [value for name, value in headers if name == b"origin"]
    if scope["method"] not in _READS or len(asking) != 1 or asking[0].decode("latin-1") not in sites:
        return None
    return None if any(name in _CREDENTIALS for name, _ in headers) else asking[0]


def fields(scope: dict[str, Any], headers: Headers, sites: Collection[str]) -> Headers:
    """What is added to an answer with these `headers` (names in lower case), so that `sites` may read it.

    Nothing where the app has a policy of its own.
    """
    if not sites or scope["method"] not in _READS:
        return []
    if any(name.startswith(b"access-control-") for name, _ in headers):
        return []
    reader = _reader(scope, sites)
    if reader is None:
        return [_VARY]  # a cache must not give it to those who may read it
    # All headers: the security headers have to reach the page, too. Never are cookies among them.
    return [_VARY, (b"access-control-allow-origin", reader), (b"access-control-expose-headers", b"*")]
