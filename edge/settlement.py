"""What makes an app's answer final: at most one commit, and the changed view on its way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .context import Context
from .errors import NeedsEdge
from .exchange import Answer
from .host import Host
from .intake import diagnose
from .responder import Responder
from .types import View
from .views import Headers
from .wire import Commit, Outcome, StoredResponse, fingerprint

APPLIED_LIMIT = 8  # keys remembered in a view
# Not final, or not an outcome of the app's own rules: these may be tried again (IETF
# idempotency-key-header draft, section 2.6), so their effects are dropped and nothing is kept.
NOT_STORED = frozenset({400, 401, 403, 408, 413, 428, 429})


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
        body: bytes,
        key: str | None,
        *,
        repeated: bool = False,
    ) -> None:
        self._host = host
        self._ctx = ctx
        self._scope = scope
        self._body = body
        self._key = key
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
        "origin-unavailable".
        """
        if answer.status == 400 and dict(answer.headers).get(b"content-type", b"").startswith(b"text/plain"):
            # Frameworks say "bad request" in their own words; where we know why, we say it.
            mistake = await diagnose(self._scope, self._body)
            if mistake is not None:
                raise mistake
        state = self._changed_state()
        records = self._ctx.records
        if not records.touched or answer.status >= 500 or answer.status in NOT_STORED:
            if answer.status >= 400 and records.touched:
                state = None
            return answer._replace(headers=await self._with_view(answer.headers, state))
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.headers)
        stored = StoredResponse(answer.status, headers, answer.body, state)
        commit = Commit(fingerprint_of(self._scope, self._body), records.reads, records.writes, stored)
        outcome = await self._host.origin.commit(self._ctx.ensure_user(), self._ctx.key, commit)
        return await self._replay(outcome) if outcome.replayed else await self._final(outcome)

    async def _replay(self, outcome: Outcome) -> Answer:
        answer = await self._final(outcome)
        return answer._replace(headers=[*answer.headers, (b"idempotency-replayed", b"true")])

    async def _final(self, outcome: Outcome) -> Answer:
        stored = outcome.response
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
        return Answer(stored.status, await self._with_view(headers, stored.state), stored.body)

    def _changed_state(self) -> dict[str, Any] | None:
        if self._repeated or not self._ctx.state.changed:
            return None
        if self._host.name == "browser":
            raise NeedsEdge("signing a changed state")
        return self._ctx.state.export()

    async def _with_view(self, headers: Headers, state: Mapping[str, Any] | None) -> Headers:
        added: Headers = []
        versions = self._ctx.catalog.versions
        if versions:
            added.append((b"edgekit-catalog", json.dumps(versions, separators=(",", ":")).encode()))
        if self._repeated or (state is None and not self._ctx.is_new_guest):
            return headers + added
        old = self._ctx.view
        applied = old.applied if old else ()
        if self._key is not None and state is not None:
            applied = (*applied, self._key)[-APPLIED_LIMIT:]
        view = View(
            self._ctx.ensure_user(),
            (old.version if old else 0) + 1,
            state if state is not None else dict(old.state if old else {}),
            applied,
        )
        if not any(name == b"cache-control" for name, _ in headers):
            added.append((b"cache-control", b"private, no-cache"))
        return headers + added + await self._host.views.issue(self._scope, view)


def fingerprint_of(scope: dict[str, Any], body: bytes) -> str:
    """The fingerprint of an ASGI request (see `wire.fingerprint`)."""
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    target = f"{raw_path}?{scope['query_string'].decode('latin-1')}"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return fingerprint(scope["method"], target, headers, body)
