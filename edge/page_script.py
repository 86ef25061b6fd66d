"""Adds the kit's one script to HTML documents, so that a browser that has service workers joins the pool.

So a page has two representations: one with the script for who navigates to it, one without for all others.
Caches are told so (`Vary`, RFC 9110 section 12.5.5), and of two bodies only one keeps the app's strong entity
tag (section 8.8.1).
"""

from __future__ import annotations

from collections.abc import Iterable

from .types import HostName

TAG = b'<script type="module" src="/_edge/page.js"></script>'
# Shows in development that the last change does not work.
FAILURE_TAG = b'<script type="module" src="/_edge/failure.js"></script>'
# What tells a navigation from other requests, see `is_navigation`.
VARY = (b"sec-fetch-dest", b"sec-fetch-mode", b"upgrade-insecure-requests")
# What an app has said about a body without the script (RFC 9530, RFC 1864, RFC 9110 section 14.3).
OF_THE_BODY = frozenset({b"content-digest", b"repr-digest", b"digest", b"content-md5", b"accept-ranges"})

Headers = list[tuple[bytes, bytes]]


def is_navigation(request: Iterable[tuple[bytes, bytes]], *, abroad: bool = False) -> bool:
    """Whether somebody navigates to what this request asks for.

    `abroad`: the service worker of a site with another origin asks; for anything but a navigation it does not
    ask for HTML (browser/reads.js).
    """
    asked = dict(request)
    # When a service worker passes a navigation on, its destination becomes "empty", and in Firefox its mode
    # "same-origin"; what is left there is a header that no request of a script has.
    passed_on = asked.get(b"sec-fetch-dest") == b"empty" and (
        asked.get(b"sec-fetch-mode") == b"navigate" or asked.get(b"upgrade-insecure-requests") == b"1"
    )
    navigated = passed_on or asked.get(b"sec-fetch-dest") == b"document"
    return navigated or (abroad and asked.get(b"accept") == b"text/html")


def is_page(response: Iterable[tuple[bytes, bytes]], status: int) -> bool:
    """Whether this is an HTML document, in a form that can be added to."""
    fields = dict(response)
    return status == 200 and _is_html(fields) and b"content-encoding" not in fields


def is_sealed(response: Iterable[tuple[bytes, bytes]], status: int) -> bool:
    """Whether this is an HTML document that the app has coded, so that nothing can be added."""
    fields = dict(response)
    return status == 200 and _is_html(fields) and b"content-encoding" in fields


def varied(headers: Headers) -> Headers:
    """`headers` that say by what the two representations are chosen."""
    said = b",".join(value for name, value in headers if name == b"vary")
    names = [name.strip() for name in said.split(b",") if name.strip()]
    if b"*" in names:
        return headers
    more = [name for name in VARY if name not in {name.lower() for name in names}]
    return [*(pair for pair in headers if pair[0] != b"vary"), (b"vary", b", ".join([*names, *more]))]


def of_scripted(headers: Headers) -> Headers:
    """What is true of these headers of an app when the script is in the body."""
    return [
        (name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value)
        for name, value in headers
        if name not in OF_THE_BODY
    ]


def tags(*, development: bool) -> bytes:
    """What is added."""
    return TAG + FAILURE_TAG if development else TAG


def uncoded(headers: Headers, host: HostName, *, script: bool) -> Headers:
    """The headers of a request for the app. Nothing can be added to a page that it compresses, and nobody
    decodes what a browser's own host has compressed; servers and proxies do it after us."""
    if host != "browser" and not (script and is_navigation(headers)):
        return headers
    return [pair for pair in headers if pair[0] != b"accept-encoding"]


def insert(body: bytes, *, development: bool = False) -> bytes:
    """`body` with the script before the end of the body element, or at its end."""
    at, added = body.rfind(b"</body>"), tags(development=development)
    return body + added if at < 0 else body[:at] + added + body[at:]


def _is_html(fields: dict[bytes, bytes]) -> bool:
    return fields.get(b"content-type", b"").lower().startswith(b"text/html")
