"""Adds the kit's one script to HTML documents, so that a browser that has service workers joins the pool."""

from __future__ import annotations

from collections.abc import Iterable

TAG = b'<script type="module" src="/_edge/page.js"></script>'
# Shows in development that the last change does not work.
FAILURE_TAG = b'<script type="module" src="/_edge/failure.js"></script>'


def applies(
    request: Iterable[tuple[bytes, bytes]],
    response: Iterable[tuple[bytes, bytes]],
    status: int,
    *,
    abroad: bool = False,
) -> bool:
    """Whether this is a page that somebody navigated to, in a form that can be added to.

    `abroad`: the service worker of a site with another origin asks; for anything but a navigation it does not
    ask for HTML (browser/reads.js).
    """
    fields, asked = dict(response), dict(request)
    # When a service worker passes a navigation on, its destination becomes "empty", and in Firefox its mode
    # "same-origin"; what is left there is a header that no request of a script has.
    passed_on = asked.get(b"sec-fetch-dest") == b"empty" and (
        asked.get(b"sec-fetch-mode") == b"navigate" or asked.get(b"upgrade-insecure-requests") == b"1"
    )
    navigated = passed_on or asked.get(b"sec-fetch-dest") == b"document"
    navigated = navigated or (abroad and asked.get(b"accept") == b"text/html")
    return (
        navigated
        and status == 200
        and fields.get(b"content-type", b"").startswith(b"text/html")
        and b"content-encoding" not in fields
    )


def tags(*, development: bool) -> bytes:
    """What is added."""
    return TAG + FAILURE_TAG if development else TAG


def insert(body: bytes, *, development: bool = False) -> bytes:
    """`body` with the script before the end of the body element, or at its end."""
    at, added = body.rfind(b"</body>"), tags(development=development)
    return body + added if at < 0 else body[:at] + added + body[at:]
