"""What makes an app's answer final: at most one commit, and the changed view on its way back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .applied import remember
from .context import Context
from .errors import NeedsEdge, Problem
from .exchange import Answer
from .host import Host
from .intake import diagnose
from .responder import Responder
from .tokens import VIEW_LIFE
from .types import View
from .views import Headers
from .wire import RESPONSE_LIMIT, Commit, Outcome, StoredResponse, fingerprint

# Not final, or not an outcome of the app's own rules: these may be tried again (IETF
# idempotency-key-header draft, section 2.6), so their effects are dropped and nothing is kept.
NOT_STORED = frozenset({400, 401, 403, 408, 413, 428, 429})

PRIVATE = (b"cache-control", b"private, no-cache")
_BOUNDARY = re.compile(r'^multipart/form-data\b.*;\s*boundary="?(?P<it>[^";,]+)', re.IGNORECASE)


class Settlement:
    """Settles the answers to one request; a retry with the same key gets the answer that was stored.

    `key` is the client's idempotency key, or None if it sent none (`ctx.key` is never empty).
    `repeated` says that the view already contains what this request changes.
    """

    def __init__(
        self,
        host: Host,
        ctx: Context,
        scope: dict[str, Any],
        *,
        body: bytes = b"",
        key: str | None = None,
        fingerprint: str = "",
        repeated: bool = False,
    ) -> None:
        self._host = host
        self._ctx = ctx
        self._scope = scope
        self._body = body
        self._key = key
        self._fingerprint = fingerprint
        self._repeated = repeated

    async def safe(self, answer: Answer) -> Answer:
        """Settle the answer to a safe request."""
        return answer._replace(headers=await self._with_view(answer.headers, self._changed_state()))

    async def was_stored(self, responder: Responder) -> bool:
        """Give the stored answer, if this very request has been committed before."""
        outcome = await self._host.origin.outcome(self._ctx.ensure_user(), self._ctx.key)
        if outcome is not None:
            await responder.begin(*await self._replay(outcome))
        return outcome is not None

    async def unsafe(self, answer: Answer) -> Answer:
        """Settle the answer to an unsafe request, by one commit if it touched records.

        Raises `Problem`: "version-conflict" (run the app again on fresh reads), "key-reused",
        "response-too-large", "origin-unavailable".
        """
        if answer.status == 400 and dict(answer.headers).get(b"content-type", b"").startswith(b"text/plain"):
            # Frameworks say "bad request" in their own words; where we know why, we say it.
            mistake = await diagnose(self._scope, self._body)
            if mistake is not None:
                raise mistake
        final = answer.status < 500 and answer.status not in NOT_STORED
        state = self._changed_state() if final else None
        records = self._ctx.records
        if not (final and records.touched):
            return answer._replace(headers=await self._with_view(answer.headers, state))
        if len(answer.body) > RESPONSE_LIMIT:
            raise Problem("response-too-large", f"at most {RESPONSE_LIMIT} bytes")
        # A refusal is an outcome like any other, but it writes nothing.
        writes = records.writes if answer.status < 400 else ()
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.headers)
        stored = StoredResponse(answer.status, headers, answer.body, state)
        commit = Commit(self._fingerprint, records.reads, writes, stored)
        outcome = await self._host.origin.commit(self._ctx.ensure_user(), self._ctx.key, commit)
        return await self._replay(outcome) if outcome.replayed else await self._final(outcome)

    async def _replay(self, outcome: Outcome) -> Answer:
        answer = await self._final(outcome)
        return answer._replace(headers=[*answer.headers, (b"idempotency-replayed", b"true")])

    async def _final(self, outcome: Outcome) -> Answer:
        stored = outcome.response
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
        return Answer(stored.status, await self._with_view(headers, stored.state, stored=True), stored.body)

    def _changed_state(self) -> dict[str, Any] | None:
        if self._repeated or not self._ctx.state.changed:
            return None
        if self._host.name == "browser":
            raise NeedsEdge("signing a changed state")
        return self._ctx.state.export()

    async def _with_view(
        self, headers: Headers, state: Mapping[str, Any] | None, *, stored: bool = False
    ) -> Headers:
        """`headers` with the kit's own: what the client's view is now, and that the answer is its own."""
        versions = self._ctx.catalog.versions
        if versions:
            headers = [*headers, (b"edgekit-catalog", json.dumps(versions, separators=(",", ":")).encode())]
        caching = dict(headers).get(b"cache-control", b"").lower()
        shareable = caching != b"" and b"private" not in caching and b"no-store" not in caching
        old = self._ctx.view
        state = None if self._repeated else state
        if state is None and not self._ctx.is_new_guest and (shareable or not self._expires_soon(old)):
            return headers if caching else [*headers, PRIVATE]
        if shareable or not caching:
            # A view in a cache that is shared would make everybody the same user.
            headers = [*(pair for pair in headers if pair[0] != b"cache-control"), PRIVATE]
        view = old or View(self._ctx.ensure_user(), 0, {})
        if state is not None or old is None:
            view = replace(view, version=view.version + 1, state=view.state if state is None else state)
        if state is not None and self._key is not None:
            applied = remember(view.applied, self._key, self._fingerprint, stored=stored)
            view = replace(view, applied=applied)
        return headers + await self._host.views.issue(self._scope, view)

    def _expires_soon(self, view: View | None) -> bool:
        """Whether a user who only reads would lose the view soon; the browser cannot renew it."""
        return (
            view is not None
            and self._host.name != "browser"
            and self._ctx.now - view.issued_at > VIEW_LIFE / 2
        )


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
