"""What makes two HTTP requests the same, whoever sends them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .wire import fingerprint

_BOUNDARY = re.compile(r'^multipart/form-data\b.*;\s*boundary="?(?P<it>[^";,]+)', re.IGNORECASE)


def fingerprint_of(scope: dict[str, Any], body: bytes) -> str:
    """The fingerprint of an ASGI request (see `wire.fingerprint`)."""
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    target = f"{raw_path}?{scope['query_string'].decode('latin-1')}"
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    pieces: Iterable[bytes | memoryview] = (body,)
    if boundary is not None:
        # A browser that sends the same form twice makes up another boundary.
        headers["content-type"] = "multipart/form-data"
        pieces = _replaced(body, f"--{boundary['it']}".encode("latin-1"), b"--boundary")
    return fingerprint(scope["method"], target, headers.items(), *pieces)


def _replaced(body: bytes, old: bytes, new: bytes) -> Iterator[bytes | memoryview]:
    """`body.replace(old, new)` in pieces that share its memory: uploads can be large."""
    view, start = memoryview(body), 0
    while (at := body.find(old, start)) >= 0:
        yield view[start:at]
        yield new
        start = at + len(old)
    yield view[start:]
