"""The kit's own paths, `/_edge/…` and `/sw.js`: what the browser host needs from an edge.

GET /_edge/health                               200 when this host answers
GET /_edge/keys                                 public JWK set (RFC 7517)
GET /_edge/view                                 204; Edgekit-View holds the token
POST /_edge/session/plain                       204; a bound session, for a while without its device
POST /_edge/session/forget                      303 to /; this browser has no session any more
GET /_edge/catalog/{collection}                 public, cacheable
GET /_edge/records/{scope}/{collection}[/{id}]  the caller's own or shared ones, where `readable` allows it
everything else                                 the browser release, if this host serves one
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive

from .csrf import is_foreign
from .errors import Problem, foreign
from .guests import guest
from .host import Host
from .intake import SAFE, limited, read_body
from .leaving import sign_out
from .records import NOBODY, Record
from .responder import Responder
from .types import Principal, View
from .visitor import CLIENT_HEADER, VIEW_HEADER, Changes, Visitor
from .wire import RecordKey, encode_json, is_name

PREFIX = "/_edge/"
PLAIN, FORGET = "/_edge/session/plain", "/_edge/session/forget"
PAGE_LIMIT = 200
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)
VARY = (b"vary", b"accept-encoding")
LANGUAGE_HEADER = b"edgekit-language"  # Accept-Language as it came


def owns(scope: dict[str, Any], host: Host) -> bool:
    """Whether this request is for the kit rather than for the app."""
    path: str = scope["path"]
    return path.startswith(PREFIX) or path == "/sw.js" or (host.assets is not None and host.assets.owns(path))


async def answer(
    scope: dict[str, Any],
    receive: Receive,
    responder: Responder,
    host: Host,
    shared: frozenset[str],
    readable: frozenset[str],
    admit: Callable[[Visitor, dict[str, Any]], None],
) -> None:
    """Answer one of the kit's own paths; raises `Problem` like a handler would.

    `admit` raises one for whoever may not read records at this path.
    """
    path: str = scope["path"]
    if path == PLAIN and scope["method"] == "POST":
        await _plain(scope, receive, responder, host)
        return
    if path == FORGET and scope["method"] == "POST":
        await _forget(scope, responder, host)
        return
    if scope["method"] not in SAFE:
        raise Problem("method-not-allowed", headers={"allow": "GET, HEAD, OPTIONS"})
    name, _, rest = path.removeprefix(PREFIX).partition("/") if path.startswith(PREFIX) else ("", "", "")
    if name == "health" and not rest:
        await _json(responder, {"status": "ok", "host": host.name}, "no-store")
    elif name == "keys" and not rest and host.keys is not None:
        await _json(responder, host.keys.jwks, "public, max-age=300")
    elif name == "view" and not rest:
        await _view(scope, responder, host)
    elif name == "catalog":
        await _catalog(scope, responder, host, rest)
    elif name == "records" and rest.split("/")[1:2] and rest.split("/")[1] in readable:
        visitor = await _visitor(scope, responder, host)
        admit(visitor, scope)
        await _json(
            responder, await _records(scope, host, visitor, shared, rest.split("/")), "private, no-store"
        )
    elif host.assets is not None:
        await host.assets(scope, receive, responder.forward)
    else:
        raise Problem("not-found")


async def _json(responder: Responder, value: object, cache: str, *more: tuple[bytes, bytes]) -> None:
    body = encode_json(value) if not isinstance(value, bytes) else value
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", cache.encode()),
        *more,
    ]
    await responder.begin(200, headers, body)


async def _visitor(scope: dict[str, Any], responder: Responder, host: Host) -> Visitor:
    visitor = await host.visitors.open(scope)
    responder.fields += visitor.headers
    return visitor


async def _view(scope: dict[str, Any], responder: Responder, host: Host) -> None:
    """Hand a service worker the view that its cookie holds; nobody else may read it.

    Whoever has none becomes a guest now: then the local host can make forms whose keys mean something.
    """
    if Headers(raw=scope["headers"]).get(CLIENT_HEADER.decode()) is None:
        raise Problem("forbidden", "only for the service worker")
    if is_foreign(scope):
        raise foreign()
    visitor = await _visitor(scope, responder, host)
    if visitor.is_unknown:
        raise Problem("origin-unavailable", "the session cannot be renewed now")
    session = visitor.session or guest(host.entropy, host.clock())
    held = visitor.view
    view = held or View(session.subject, 0, {})
    view = replace(
        view,
        sid=session.sid,
        guest=session.guest,
        claims=session.claims,
        form_secret=host.visitors.form_secret(session),
        jkt=session.jkt,
        late=session.late,
    )
    issued = await host.visitors.issue(scope, Changes(None if visitor.session else session, view=view))
    if held == view:  # the cookie is as it was; only the service worker has to be told
        issued = [pair for pair in issued if pair[0] == VIEW_HEADER]
    # No script can see what its browser sends there, and the app is to see the same in the browser.
    language = [(LANGUAGE_HEADER, value) for name, value in scope["headers"] if name == b"accept-language"]
    await responder.begin(204, [(b"cache-control", b"no-store"), *language, *issued], b"")


async def _plain(scope: dict[str, Any], receive: Receive, responder: Responder, host: Host) -> None:
    """Give the session of a device that proves itself in a form that needs no proof, for its short life.

    For a browser that has lost its service worker: only that can add a proof to a navigation.
    """
    visitor = await _visitor(scope, responder, host)
    body = await read_body(limited(receive, 0))
    visitor.check_body(body or b"")
    if visitor.session is None or not visitor.is_bound:
        raise Problem("device-proof")
    plain = replace(visitor.session, jkt=None)
    issued = await host.visitors.issue(scope, Changes(plain))
    await responder.begin(204, [(b"cache-control", b"no-store"), *issued], b"")


async def _forget(scope: dict[str, Any], responder: Responder, host: Host) -> None:
    """A way out for a browser that has lost the key of its device, or while the origin is away.

    The session ends if this browser could have signed out: it is plain, or there is a proof. Otherwise only
    the cookies go, or a thief of cookies could end a session that is worth nothing to him.
    """
    session = None
    with suppress(Problem):
        session = (await host.visitors.open(scope)).session
    gone = await sign_out(host, scope, session, everywhere=False)
    headers = [(b"location", b"/"), (b"cache-control", b"no-store"), *gone]
    await responder.begin(303, headers, b"")


async def _catalog(scope: dict[str, Any], responder: Responder, host: Host, name: str) -> None:
    held = await host.catalog.collection(name)
    if held is None:
        raise Problem("not-found", "no such collection")
    etag = f'"{held.version}"'
    cache = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"
    headers = Headers(raw=scope["headers"])
    asked, encodings = headers.get("if-none-match", ""), headers.get("accept-encoding", "")
    # Weak comparison (RFC 9110 section 13.1.2): proxies that compress weaken the tags that pass through them.
    if {tag.strip().removeprefix("W/") for tag in asked.split(",")} & {etag, "*"}:
        unchanged = [(b"etag", etag.encode()), (b"cache-control", cache.encode()), VARY]
        await responder.begin(304, unchanged, b"")
    elif ACCEPTS_GZIP.search(encodings):
        same = (b"etag", f"W/{etag}".encode())  # but not the same bytes
        await _json(responder, held.gzipped(), cache, same, VARY, (b"content-encoding", b"gzip"))
    else:
        await _json(responder, held.body, cache, (b"etag", etag.encode()), VARY)


async def _records(
    scope: dict[str, Any], host: Host, visitor: Visitor, shared: frozenset[str], path: list[str]
) -> dict[str, Any]:
    kind, *names = path
    if kind not in ("user", "shared") or not 1 <= len(names) <= 2 or not all(map(is_name, names)):
        raise Problem("not-found")
    if (kind == "shared") != (names[0] in shared):
        raise Problem("not-found", "no such collection")
    session = visitor.session
    if visitor.is_unknown:
        raise Problem("origin-unavailable", "the session cannot be renewed now")
    if kind == "user" and session is None:
        raise Problem("not-found", "there is no user yet")
    principal = NOBODY if session is None else Principal(session.subject, session.sid, session.epoch)
    if len(names) == 2:
        record = await host.origin.record(principal, RecordKey(kind, names[0], names[1]))  # type: ignore[arg-type]
        if record is None:
            raise Problem("not-found")
        return _document(record)
    query = QueryParams(scope["query_string"])
    limit, after = query.get("limit", "50"), query.get("after")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= PAGE_LIMIT):
        raise Problem("malformed-query", f"limit is a number from 1 to {PAGE_LIMIT}")
    if after is not None and not is_name(after):
        raise Problem("malformed-query", "after is the id of a record")
    page = await host.origin.page(principal, kind, names[0], int(limit), after)  # type: ignore[arg-type]
    return {"items": [_document(record) for record in page.items], "next": page.next}


def _document(record: Record) -> dict[str, Any]:
    return {"id": record.id, "version": record.version, "value": record.value}
