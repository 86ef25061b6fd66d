"""What browsers are told on every answer, so that a mistake in a page does not become a hole.

Sources: CSP Level 3, Trusted Types, Fetch (nosniff, Cross-Origin-Resource-Policy), HTML (opener policy),
Permissions Policy, RFC 6797 (HSTS). browser/security-headers.js says the same where no Python runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

CONNECT = "connect-src 'self'"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # no inline script, no eval; Python is WebAssembly
        "worker-src 'self'",
        CONNECT,
        "img-src 'self' data:",
        "media-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types edgekit",  # the policy in browser/register.js, which knows one script
    )
)
FEATURES = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("microphone", "midi", "payment", "serial", "usb"),
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in FEATURES)

ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
SECURE: Headers = [(b"strict-transport-security", b"max-age=31536000")]  # a year; over https only
# A worker follows the policy of its own script, not that of the page that started it.
SCRIPT: Headers = [(b"content-security-policy", CONTENT_SECURITY_POLICY.encode())]
DOCUMENT: Headers = [*SCRIPT, (b"permissions-policy", PERMISSIONS_POLICY.encode())]

# Types in which nothing runs when somebody navigates to them. In all others something may: every kind of XML
# can hold scripts, and what a browser makes of a type that it does not know is its own affair.
INERT = re.compile(
    r"(?:image|audio|video|font)/(?!.*xml)[\w.+-]+|[\w.-]+/[\w.+-]+\+json"
    r"|text/(?:plain|css|csv|calendar|event-stream|markdown|vtt)"
    r"|application/(?:json|json-seq|x-ndjson|gzip|octet-stream|pdf|wasm|zip)",
    re.ASCII,
)
SCRIPTS = re.compile(r"(?:text|application)/(?:x-)?(?:java|ecma)script", re.ASCII)
BODILESS = frozenset({204, 205, 304})  # and 304 would replace what the answer that it stands for has said


def worker_policy(edges: Iterable[str]) -> str:
    """The policy of `/sw.js` where the site has edges at other origins: it may ask these as well."""
    return CONTENT_SECURITY_POLICY.replace(CONNECT, " ".join((CONNECT, *edges)))


def policy(media_type: str) -> Headers:
    """What a body of this type (without parameters, in lower case) is told about running code."""
    if INERT.fullmatch(media_type):
        return []
    return SCRIPT if SCRIPTS.fullmatch(media_type) else DOCUMENT


def missing(headers: Headers, scheme: str, status: int = 200) -> Headers:
    """The security headers that a response with these `headers` (names in lower case) lacks.

    What the app has set itself stays as it is.
    """
    present = {name for name, _ in headers}
    types = {_essence(value) for name, value in headers if name == b"content-type"}
    if not types and status not in BODILESS and not 300 <= status < 400:
        types = {""}  # a browser has to guess
    wanted = dict([*ALWAYS, *(SECURE if scheme == "https" else ())])
    for media_type in sorted(types):
        wanted |= dict(policy(media_type))
    return [pair for pair in wanted.items() if pair[0] not in present]


def _essence(value: bytes) -> str:
    return value.decode("latin-1").partition(";")[0].strip().lower()
