"""Whether a write in a user's name was meant by that user: three walls against cross-site request forgery.

1. SameSite=Lax keeps the cookies away from other sites (see `cookies`). Sibling domains are the same site.
2. Fetch Metadata, or Origin where a browser does not send it, names who asks: other origins are refused.
3. For who says neither, an old browser or a program: what only our own pages have, a form key made for this
   session, or a request that another site's form cannot make (a header or a media type outside of the CORS
   safelist). So a form without a key passes where the second wall knows it as our own. A key that comes along
   is judged all the same: a page of an earlier session must not write in this one. Only an outbox may keep a
   form for longer, and no form can send the header that says so.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers

from .errors import Problem, foreign
from .intake import SAFE, TIME_HEADER
from .jose import encode_segment

SECRET_LENGTH = MARK_LENGTH = 22  # characters: 128 bits
_OWN_HEADERS = ("idempotency-key", "dpop", "edgekit-client")
# Media types that a form can have (Fetch, CORS-safelisted request-header); none at all counts as one of them.
_SAFELISTED = frozenset({"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})


def form_secret(mac: bytes) -> str:
    """What marks the forms of one session; `mac` is over its id, under a key that only edges have."""
    return encode_segment(mac[:16])


def mark(nonce: str, secret: str) -> str:
    """The form key made from a random `nonce`: `<nonce>.<mark>`."""
    code = hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).digest()
    return f"{nonce}.{encode_segment(code[:16])}"


def check_write(scope: dict[str, Any], form_key: str | None, secrets: Iterable[str]) -> None:
    """Raise `Problem("forbidden")` for a write in a known user's name that may come from another site.

    `form_key` is the form's hidden field, if it has one, `secrets` are those whose forms are accepted.
    """
    headers = Headers(raw=scope["headers"])
    site = headers.get("sec-fetch-site")
    if is_foreign(scope):
        raise foreign()
    # An outbox may keep a form for longer than its session lasts; no form can set the header that says so.
    if form_key is not None and TIME_HEADER.decode() not in headers:
        nonce = form_key.partition(".")[0]
        made = form_key.isascii() and any(
            hmac.compare_digest(form_key, mark(nonce, secret)) for secret in secrets
        )
        if not made:
            raise Problem("forbidden", "this form was made for another session: open its page again")
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    own = any(name in headers for name in _OWN_HEADERS) or media_type not in _SAFELISTED
    if not own and site is None and "origin" not in headers:
        words = (
            "a form in a user's name needs the hidden field that ctx.form_key() makes; "
            "a program sends JSON or an Idempotency-Key"
        )
        raise Problem("forbidden", words, for_developers=True)


def is_uninvited(scope: dict[str, Any]) -> bool:
    """Whether a page of another origin sent this, so that it must not change who is signed in.

    A navigation that only reads may come from anywhere: people follow links out of mails, and identity
    providers send them back with one. Whether this one was meant, the app has to find out (RFC 9700
    section 4.7).
    """
    headers = Headers(raw=scope["headers"])
    seen = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_foreign(scope) and not (scope["method"] in SAFE and seen)


def is_foreign(scope: dict[str, Any]) -> bool:
    """Whether the browser says that a page of another origin sent this, a sibling domain included.

    Clients that are no browsers say nothing, and are not foreign. A browser so old that it says neither of
    writes may name the page that they come from (RFC 9110 section 10.1.3).
    """
    headers = Headers(raw=scope["headers"])
    if len(headers.getlist("sec-fetch-site")) > 1 or len(headers.getlist("origin")) > 1:
        return True  # no browser does that, and it is nobody's guess which one counts
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    # Scheme and authority, or "null": nothing to parse, so nothing in it can make a parser fail.
    own = origin_of_site(scope)
    if origin is None and scope["method"] not in SAFE and "referer" in headers:
        return not f"{headers['referer'].lower()}/".startswith(f"{own}/")
    return origin is not None and origin.lower() != own


def origin_of_site(scope: dict[str, Any]) -> str:
    """The origin under which this request has reached us, as browsers spell it."""
    return f"{scope['scheme']}://{Headers(raw=scope['headers']).get('host', '?').lower()}"
