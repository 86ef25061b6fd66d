"""Adds the kit's one script to HTML documents, so that a browser that has service workers joins the pool."""

from __future__ import annotations

from collections.abc import Iterable

TAG = b'<script type="module" src="/_edge/page.js"></script>'


def applies(
    request: Iterable[tuple[bytes, bytes]], response: Iterable[tuple[bytes, bytes]], status: int
) -> bool:
    """Whether this is a page that somebody navigated to, in a form that can be added to."""
    fields = dict(response)
    return (
        status == 200
        and fields.get(b"content-type", b"").startswith(b"text/html")
        and b"content-encoding" not in fields
        and dict(request).get(b"sec-fetch-dest") == b"document"
    )


def insert(body: bytes) -> bytes:
    """`body` with the script before the end of the body element, or at its end."""
    at = body.rfind(b"</body>")
    return body + TAG if at < 0 else body[:at] + TAG + body[at:]
