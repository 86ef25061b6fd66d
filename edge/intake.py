"""What a request must be before an app sees it."""

from __future__ import annotations

import hashlib
import re
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Receive

from .errors import Problem
from .wire import DEPTH_LIMIT, is_deep_json, is_key, nested_too_deep

HEADER_LIMIT = 16_384  # bytes of all names and values
BODY_LIMIT = 10 * 1024 * 1024  # bytes, unless the app asks for another limit
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 section 9.2.1
KEY_FIELD = "_key"
TIME_HEADER = b"edgekit-time"  # ms since 1970, when a browser has answered this write itself
SENT_HEADER = b"edgekit-sent"  # what a service worker cannot say again of the page's request that it sends
SESSION_HEADER = "edgekit-session"  # for whose session a browser has answered it, by its hash
LONGEST_WAIT = 7 * 86_400  # seconds that a write may wait in a browser
AHEAD = 60  # seconds that a client's clock may be ahead
WORKER = "/sw.js"
SENT_FIELDS = re.compile("referer|sec-(ch-ua|fetch)(-[a-z-]+)?")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
_DOTS = re.compile(rb"(?:\.|%2e){1,2}", re.IGNORECASE)
LARGE = 1024 * 1024  # bytes of a body from which on copies are avoided
PART = 256 * 1024  # bytes


def check_head(scope: dict[str, Any], body_limit: int) -> None:
    """Raise a 4xx `Problem` for a request line or headers that no handler should have to think about."""
    if scope["method"] not in METHODS:
        allow = ", ".join(sorted(METHODS))
        raise Problem("method-not-allowed", f"allowed: {allow}", headers={"allow": allow})
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_LIMIT:
        raise Problem("headers-too-large", f"at most {HEADER_LIMIT} bytes of headers")
    _check_path(scope)
    headers = Headers(raw=scope["headers"])
    if headers.get("service-worker") and scope["path"] != WORKER:
        # Whatever else can be had here as a script, an upload for instance, must not come to rule the site.
        raise Problem("forbidden", f"{WORKER} is the only service worker of this site")
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 20):
        raise Problem("malformed-header", "Content-Length is not a number of 64 bits")
    if length is not None and int(length) > body_limit:
        raise _too_large(body_limit)


def _check_path(scope: dict[str, Any]) -> None:
    """What is in front of an app, a proxy, a placement table, must take a path for what the app takes it for.

    So nothing in it may mean something to one and nothing to another: line breaks end a path for some regular
    expressions, zero bytes for programs in C, backslashes are slashes for browsers (WHATWG URL), and dot
    segments are resolved by whoever normalises (RFC 3986 section 6.2.2.3). No browser sends any of them.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    raw = raw.partition(b"?")[0]
    try:
        decoded = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("malformed-path") from error
    if _CONTROL.search(decoded) or _CONTROL.search(scope["path"]):
        raise Problem("malformed-path", "a path has no control characters")
    if b"\\" in raw or any(_DOTS.fullmatch(segment) for segment in raw.split(b"/")):
        raise Problem("malformed-path", "a path has no backslash and no dot segments")


def limited(receive: Receive, body_limit: int) -> Receive:
    """`receive` that raises `Problem("body-too-large")` once more than `body_limit` bytes have come."""
    seen = 0

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > body_limit:
            raise _too_large(body_limit)
        return message

    return counted


async def read_body(receive: Receive, length: int = 0) -> bytes | None:
    """The whole body, or None if the client went away before its end.

    `length` is what the client says. It is believed once the client has sent a fair part of it; from there
    on the body grows in its place, instead of being there twice when its parts are joined.
    """
    chunks: list[bytes] = []
    whole: BytesIO | None = None
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if whole is None and LARGE <= size < length:
            whole = BytesIO()
            whole.seek(length - 1)
            whole.write(b"\0")
            whole.seek(0)
            whole.writelines(chunks)
            chunks.clear()
        if whole is None:
            chunks.append(chunk)
        else:
            whole.write(chunk)
        if not message.get("more_body", False):
            break
    if whole is None:
        return b"".join(chunks)
    whole.truncate(size)
    return whole.getvalue()


def replay(body: bytes, receive: Receive, part: int | None = None) -> Receive:
    """A `receive` that gives `body` once, in parts of `part` bytes, and then whatever the connection says."""
    part = part or max(1, len(body))
    at = 0

    async def again() -> Any:
        nonlocal at
        if at > len(body) or (at == len(body) > 0):
            return await receive()
        start, at = at, min(at + part, len(body)) or 1
        return {"type": "http.request", "body": body[start:at], "more_body": at < len(body)}

    return again


def part_size(scope: dict[str, Any]) -> int | None:
    """How large the parts should be in which an app gets its body; None: all at once.

    Parsers of files copy the part that they are at; an app that joins parts has all of them twice.
    """
    return PART if media_type(scope) == "multipart/form-data" else None


def declared_length(scope: dict[str, Any]) -> int:
    """`Content-Length`, or 0. Only after `check_head`."""
    return int(Headers(raw=scope["headers"]).get("content-length") or 0)


def check_json(scope: dict[str, Any], body: bytes) -> None:
    """Raise `Problem("malformed-json")` for JSON nested so deep that parsing it would exhaust the stack.

    CPython survives that; an interpreter in WebAssembly, whose stack is the JavaScript engine's, does not.
    What the body is called does not matter: an app may parse any as JSON.
    """
    if nested_too_deep(body) if is_json(scope) else is_deep_json(body):
        raise Problem("malformed-json", f"nested deeper than {DEPTH_LIMIT} levels")


async def form_field(scope: dict[str, Any], body: bytes) -> str | None:
    """The hidden field of `form_key()` in a plain HTML form; None for other requests.

    A request with an `Idempotency-Key` is not parsed for it. How many fields a form may have, and how long
    ones, is for the app to say. Raises `Problem("malformed-form")`.
    """
    if "idempotency-key" in Headers(raw=scope["headers"]) or media_type(scope) not in FORMS:
        return None
    if len(body) >= LARGE and KEY_FIELD.encode() not in body:
        return None
    try:
        request, most = Request(scope, replay(body, ended, part_size(scope))), len(body) + 1
        async with request.form(max_files=most, max_fields=most, max_part_size=most) as form:
            field = form.get(KEY_FIELD)
    except (HTTPException, MultiPartException, ValueError) as error:
        raise Problem("malformed-form") from error
    return field if isinstance(field, str) else None


def idempotency_key(scope: dict[str, Any], field: str | None, fingerprint: str) -> str | None:
    """The key from the header or, for plain HTML forms, from the hidden `field`.

    A form that somebody went back to, changed and sent again still has its field, but is another
    request; so there the key is made from both, the field and the `fingerprint`.
    Raises `Problem("malformed-key")`; returns None when the client sent none.
    """
    key = Headers(raw=scope["headers"]).get("idempotency-key")
    if key is not None and len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]  # a structured string, as the IETF draft writes it
    elif key is None:
        key = field
    if key is not None and not is_key(key):
        raise Problem("malformed-key", "an Idempotency-Key has 16 to 64 characters of A-Z a-z 0-9 _ . -")
    return hashlib.sha256(f"{key}\0{fingerprint}".encode()).hexdigest() if key and key == field else key


def as_sent(scope: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """The headers of a request that a service worker has made in the place of its page's, as that had them.

    A worker's own request says that it is nobody's navigation (Fetch Metadata), and it cannot name a page of
    another site in `Referer`. For the app that makes no difference. Whoever wants to lie there needs no
    worker, and pages of other sites cannot send such a header (CORS).
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    told = next((value for name, value in headers if name == SENT_HEADER), None)
    if told is None:
        return headers
    said = {
        name.encode(): value.encode("latin-1", "replace")
        for name, value in parse_qsl(told.decode("latin-1"))
        if SENT_FIELDS.fullmatch(name) and value.isprintable()
    }
    return [pair for pair in headers if pair[0] not in said and pair[0] != SENT_HEADER] + list(said.items())


def named_session(scope: dict[str, Any]) -> str | None:
    """The session that a write from an outbox is meant for, as `proof.session_hash` names it."""
    return Headers(raw=scope["headers"]).get(SESSION_HEADER)


def sent_at(scope: dict[str, Any], now: float) -> float:
    """When the request was made, in seconds: what a browser's outbox says, else `now`.

    A handler must come to the same result when the edge runs it after the browser has, so both see this time.
    Raises `Problem("idempotency-key-expired")` for what has waited so long that its key may be forgotten.
    """
    text = Headers(raw=scope["headers"]).get(TIME_HEADER.decode(), "")
    if scope["method"] in SAFE or not (text.isascii() and text.isdigit() and len(text) < 16):
        return now
    if int(text) / 1000 < now - LONGEST_WAIT:
        raise Problem("idempotency-key-expired", f"it has waited for more than {LONGEST_WAIT // 86_400} days")
    return min(int(text) / 1000, now + AHEAD)


def _too_large(body_limit: int) -> Problem:
    return Problem("body-too-large", f"at most {body_limit} bytes", limit=body_limit)


def media_type(scope: dict[str, Any]) -> str:
    """Of the body, in lower case and without parameters; "" if the client does not say."""
    return Headers(raw=scope["headers"]).get("content-type", "").partition(";")[0].strip().lower()


def is_json(scope: dict[str, Any]) -> bool:
    """Whether the client calls the body JSON."""
    said = media_type(scope)
    return said == "application/json" or said.endswith("+json")


async def ended() -> Any:
    """A `receive` after the body."""
    return {"type": "http.disconnect"}
