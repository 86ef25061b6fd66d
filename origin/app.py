"""The origin's HTTP API for records, commits and the catalog. JSON in, JSON or a problem document out."""

from __future__ import annotations

from typing import cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.errors import Problem
from edge.keys import NativeKeys
from edge.types import Clock, Entropy, Verifier
from edge.wire import RecordKey, Scope, decode_commit, encode_json, encode_outcome, is_key, is_name

from .answers import json_answer
from .auth import authenticate
from .commits import place
from .limits import SizeGate
from .problems import HANDLERS
from .session_api import SessionApi
from .store import Record, Store
from .turns import Turns

PAGE_DEFAULT, PAGE_LIMIT = 50, 200  # records in one page
CATALOG_CACHING = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"  # RFC 5861


def create_app(
    store: Store, verifier: Verifier, keys: NativeKeys, clock: Clock, entropy: Entropy
) -> Starlette:
    """The origin as an ASGI app; the caller opens and closes `store`.

    `verifier` has the edges' public keys, `keys` are the origin's own; `clock` is wall time in seconds.
    """
    api, sessions = _Api(store, verifier, clock), SessionApi(store, verifier, keys, clock, entropy)
    app = Starlette(
        routes=[
            Route("/health", api.health),
            Route("/catalog/{collection}", api.collection),
            Route("/records/{scope}/{collection}", api.page),
            Route("/records/{scope}/{collection}/{id}", api.record),
            Route("/commit", api.commit, methods=["POST"]),
            Route("/commit/{key}", api.outcome),
            *sessions.routes,
        ],
        middleware=[Middleware(SizeGate)],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False  # an assertion covers one target, and no other
    return app


class _Api:
    def __init__(self, store: Store, verifier: Verifier, clock: Clock) -> None:
        self._store = store
        self._verifier = verifier
        self._clock = clock
        self._turns = Turns()

    async def health(self, _request: Request) -> Response:
        return json_answer(b'{"status":"ok"}')

    async def collection(self, request: Request) -> Response:
        """Looks at no credential, so the answer is the same for everybody."""
        found = await self._store.collection(request.path_params["collection"])
        if found is None:
            raise Problem("not-found")
        etag = f'"{found.version}"'
        headers = {"ETag": etag, "Cache-Control": CATALOG_CACHING}
        if _matches(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(found.body, headers=headers, media_type="application/json")

    async def record(self, request: Request) -> Response:
        subject = await self._subject(request)
        scope, collection = _place(request)
        record = await self._store.record(subject, RecordKey(scope, collection, request.path_params["id"]))
        if record is None:
            raise Problem("not-found")
        return json_answer(encode_json(_document(record)), {"ETag": f'"{record.version}"'})

    async def page(self, request: Request) -> Response:
        subject = await self._subject(request)
        scope, collection = _place(request)
        limit, after = _window(request)
        page = await self._store.page(subject, scope, collection, limit, after)
        return json_answer(
            encode_json({"items": [_document(item) for item in page.items], "next": page.next})
        )

    async def commit(self, request: Request) -> Response:
        principal = await authenticate(request, self._verifier, self._clock)
        key = request.headers.get("idempotency-key", "")
        if not is_key(key):
            raise Problem("malformed-key", "16 to 64 of A-Z a-z 0-9 _ . -")
        commit = decode_commit(await request.body())
        subject = principal.subject

        async def listens() -> bool:
            return not await request.is_disconnected()

        outcome = await self._turns.commit(
            key,  # whoever is a guest only from this request on is another one in each run
            [place(subject, read.key) for read in commit.reads],
            [place(subject, changed) for changed in commit.changed],
            lambda: self._store.commit(principal, key, commit, self._clock()),
            listens,
        )
        return json_answer(encode_outcome(outcome))

    async def outcome(self, request: Request) -> Response:
        subject = await self._subject(request)
        key, fingerprint = request.path_params["key"], request.query_params.get("fingerprint")
        outcome = await self._store.outcome(subject, key, fingerprint)
        if outcome is None:
            raise Problem("not-found")
        return json_answer(encode_outcome(outcome))

    async def _subject(self, request: Request) -> str:
        return (await authenticate(request, self._verifier, self._clock)).subject


def _document(record: Record) -> dict[str, object]:
    return {"id": record.id, "version": record.version, "value": record.value}


def _matches(request: Request, etag: str) -> bool:
    """Whether If-None-Match holds `etag`, by weak comparison (RFC 9110 section 13.1.2)."""
    listed = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return etag in listed or "*" in listed


def _place(request: Request) -> tuple[Scope, str]:
    scope, collection = request.path_params["scope"], request.path_params["collection"]
    if scope not in ("user", "shared") or not is_name(collection):
        raise Problem("not-found")
    return cast("Scope", scope), collection


def _window(request: Request) -> tuple[int, str | None]:
    limit, after = request.query_params.get("limit", str(PAGE_DEFAULT)), request.query_params.get("after")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= PAGE_LIMIT):
        raise Problem("malformed-query", f"limit is a number from 1 to {PAGE_LIMIT}")
    if after is not None and not is_name(after):
        raise Problem("malformed-query", "after is the id of a record")
    return int(limit), after
