"""Addresses: what ASGI calls `server`, and where a release has a static file."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote


def server_of(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header (RFC 9110, section 7.2); None: it names no port.

    An IPv6 address stands in brackets there, for the sake of its colons, and in none in what sockets report.
    """
    end = host.find("]") + 1
    name, _, port = host[end:].partition(":")
    return host[1 : end - 1] if end else name, int(port) if port.isascii() and port.isdigit() else None


def static_address(files: Mapping[str, str], path: str) -> str:
    """Where a release has the static file at the URL path `path`, percent-encoded or not; else `path` itself.

    `files`: the manifest's, by their paths as an app sees them.
    """
    return files.get(path) or files.get(unquote(path), path)
