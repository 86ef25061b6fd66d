"""The address under which people reach a site, and what a request has to say about it.

A server does not see the scheme that a browser has used (a proxy ends TLS), and the name is the client's word
(RFC 9110 section 7.2). So the site says once what its address is, and all that depends on it (cookies, HSTS,
proofs, links, whether a page is our own) is decided by that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from .cross_origin import PORTS, origin_of
from .errors import Problem

_HOST = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{0,5}))?"
)
_LOCAL = (
    "the address of this site is not set (EDGEKIT_ADDRESS, or --address), so it answers on this machine only"
)

# The name that Starlette's TestClient calls every app by.
_TESTS = "tests call this app with edge.testing.Client(app) instead of Starlette's TestClient"


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """`origin` as browsers spell it, such as `https://tea.example`; None: loopback names only, over http."""

    origin: str | None = None

    @classmethod
    def of(cls, text: str | None) -> PublicAddress:
        """From a setting; empty counts as not set. Raises ValueError for anything but a web origin."""
        return cls(origin_of(text) if text else None)

    @property
    def scheme(self) -> str:
        """ "https" or "http"."""
        return (self.origin or "http").partition(":")[0]

    def admit(self, scope: dict[str, Any]) -> None:
        """Make `scope` (http or websocket) say this address, whatever server and proxies made of it.

        Raises `Problem("malformed-header")` unless there is one well-formed Host (RFC 9112 section 3.2), and
        `Problem("misdirected-request")` if that is not the site's (RFC 9110 section 15.5.20). The scheme is
        set all the same: the refusal is an answer too.
        """
        secure = self.scheme == "https"
        scope["scheme"] = self.scheme if scope["type"] == "http" else ("wss" if secure else "ws")
        said = [value for name, value in scope["headers"] if name == b"host"]
        if len(said) != 1:
            raise Problem("malformed-header", "a request has exactly one Host header")
        found = _HOST.fullmatch(said[0].decode("latin-1").lower().strip(" \t"))
        if found is None:
            raise Problem("malformed-header", "Host is not a name and a port")
        name, port = found["name"], int(found["port"] or PORTS[self.scheme])
        if port > 65_535:
            raise Problem("malformed-header", "Host is not a name and a port")
        host = name if port == PORTS[self.scheme] else f"{name}:{port}"
        if self.origin is None and not is_loopback(name):
            raise Problem("misdirected-request", _TESTS if name == "testserver" else _LOCAL)
        if self.origin is not None and f"{self.scheme}://{host}" != self.origin:
            raise Problem("misdirected-request", f"this site is at {self.origin}")
        scope["server"] = (name.strip("[]"), port)
        if said[0] != host.encode():
            scope["headers"] = [(n, host.encode() if n == b"host" else v) for n, v in scope["headers"]]


def is_loopback(name: str) -> bool:
    """Whether `name` (lower case, IPv6 in brackets) is this machine's own: RFC 6761 section 6.3, RFC 1122
    section 3.2.1.3, RFC 4291 section 2.5.3."""
    if name in ("localhost", "[::1]") or name.endswith(".localhost"):
        return True
    try:
        return IPv4Address(name).is_loopback
    except AddressValueError:
        return False
