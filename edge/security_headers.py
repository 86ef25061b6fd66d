"""What browsers are told on every answer, so that a mistake in a page does not become a hole.

Sources: CSP Level 3, Trusted Types, Fetch (nosniff, Cross-Origin-Resource-Policy), HTML (opener policy),
Permissions Policy, RFC 6797 (HSTS). browser/security-headers.js says the same where no Python runs.
"""

from __future__ import annotations

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

BY_TYPE = {
    b"text/javascript": SCRIPT,
    b"application/javascript": SCRIPT,
    # What runs scripts when somebody navigates to it.
    b"text/html": DOCUMENT,
    b"application/xhtml+xml": DOCUMENT,
    b"image/svg+xml": DOCUMENT,
    b"text/xml": DOCUMENT,
    b"application/xml": DOCUMENT,
}


def worker_policy(edges: Iterable[str]) -> str:
    """The policy of `/sw.js` where the site has edges at other origins: it may ask these as well."""
    return CONTENT_SECURITY_POLICY.replace(CONNECT, " ".join((CONNECT, *edges)))


def missing(headers: Headers, scheme: str) -> Headers:
    """The security headers that a response with these `headers` (names in lower case) lacks.

    What the app has set itself stays as it is.
    """
    present = dict(headers)
    media_type = present.get(b"content-type", b"").partition(b";")[0].strip().lower()
    wanted = [*ALWAYS, *(SECURE if scheme == "https" else ()), *BY_TYPE.get(media_type, ())]
    return [pair for pair in wanted if pair[0] not in present]
