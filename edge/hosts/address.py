"""What ASGI calls `server`, from the host that a request names."""

from __future__ import annotations


def server_of(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header (RFC 9110, section 7.2); None: it names no port.

    An IPv6 address stands in brackets there, for the sake of its colons, and in none in what sockets report.
    """
    end = host.find("]") + 1
    name, _, port = host[end:].partition(":")
    return host[1 : end - 1] if end else name, int(port) if port.isascii() and port.isdigit() else None
