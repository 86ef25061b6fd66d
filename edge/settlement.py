"""What makes an app's answer final: at most one commit, and the changed view on its way back."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

from .applied import remember
from .caching import PRIVATE, caching_of, is_shareable, made_private
from .context import Context
from .diagnosis import diagnose
from .errors import NeedsEdge, Problem
from .exchange import NOT_STORED, REPLAYED, Answer
from .host import Host
from .leaving import end, sign_out
from .responder import Responder
from .tokens import VIEW_LIFE, Session
from .types import JSON, Principal, View
from .visitor import Changes, Headers
from .wire import RESPONSE_LIMIT, Commit, Outcome, StoredResponse, encode_json

EFFECTS_HEADER = b"edgekit-effects"


@dataclass(frozen=True, slots=True)
class _Changed:
    """The state after a request, where it changed. `stored`: the origin keeps it with the answer."""

    state: dict[str, JSON] | None = None
    sealed: str | None = None
    settled: bool = False
    stored: bool = False


_FAILED, _SETTLED = _Changed(), _Changed(settled=True)


class Settlement:
    """Settles the answers to one request; a retry with the same key gets the answer that was stored.

    `key` is the client's idempotency key, or None if it sent none (`ctx.sent_key` is never empty).
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
        changes = await self._changes() if answer.status < 500 else _FAILED
        return answer._replace(headers=await self._hand_over(answer.headers, changes))

    async def give_stored(self, responder: Responder) -> None:
        """Give the answer that was stored when this very request was committed.

        Raises NeedsEdge in the browser, which may not ask for it, and `Problem("idempotency-key-expired")`
        if the origin does not know it any more, or knows it under the name of a guest who has signed in
        since: the effects have happened, so the app must not run.
        """
        if self._host.name == "browser":
            raise NeedsEdge("the answer that was stored")
        outcome = await self._earlier()
        if outcome is None:
            raise Problem("idempotency-key-expired", "it was applied, but its answer is not kept any more")
        await responder.begin(*await self._replay(outcome))

    async def unsafe(self, answer: Answer) -> Answer:
        """Settle the answer to an unsafe request, by one commit if it touched records.

        Raises `Problem`: "version-conflict" and "floor-reached" (run the app again), "key-reused",
        "idempotency-key-expired", "response-too-large", "state-too-large", "origin-unavailable",
        "session-ended".
        """
        if answer.status == 400 and dict(answer.headers).get(b"content-type", b"").startswith(b"text/plain"):
            # Frameworks say "bad request" in their own words; where we know why, we say it.
            mistake = await diagnose(self._scope, self._body)
            if mistake is not None:
                raise mistake
        final = answer.status < 500 and answer.status not in NOT_STORED
        if self._host.name == "browser":
            return self._foretold(answer, final=final)
        commits = final and self._ctx.records.touched and not self._repeated
        # A commit asks for an earlier outcome by itself.
        if (
            answer.status >= 400
            and not commits
            and (earlier := await self.earlier(answer.status)) is not None
        ):
            return earlier
        changes = await self._changes() if final else _FAILED
        if commits:
            return await self._commit(answer, replace(changes, stored=True))
        if self._writes_again(answer):
            # Its first run wrote nothing, so nobody kept that answer; this one would promise what is not so.
            raise Problem("idempotency-key-expired", "it was applied, and its answer was not kept")
        return answer._replace(headers=await self._hand_over(answer.headers, changes))

    async def _commit(self, answer: Answer, changes: _Changed) -> Answer:
        if len(answer.body) > RESPONSE_LIMIT:
            words = f"the answer to a write has at most {RESPONSE_LIMIT} bytes"
            raise Problem("response-too-large", words, for_developers=True)
        ctx, principal = self._ctx, self._principal()
        moves = ctx.signed_in or ctx.signed_out != ""
        # What does not fit into cookies has to be refused while nothing has happened yet. Who signs in or
        # out does so only after the commit; then the cookies are made for the sake of their size.
        headers = await self._hand_over(answer.headers, changes) if not moves else []
        if moves and not ctx.signed_out:
            await self._host.visitors.issue(self._scope, await self._issued(changes, signed_in=False))
        # A refusal is an outcome like any other, but it writes nothing.
        records = ctx.records
        writes, increments = (records.writes, records.increments) if answer.status < 400 else ((), ())
        said = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.headers)
        base = ctx.visitor.base if changes.state is not None or changes.sealed is not None else ""
        stored = StoredResponse(answer.status, said, answer.body, changes.state, changes.sealed, base)
        commit = Commit(self._fingerprint, records.reads, writes, stored, increments, ctx.author)
        outcome = await self._host.origin.commit(principal, ctx.sent_key, commit)
        if outcome.replayed:
            return await self._replay(outcome)
        if moves:
            headers = await self._hand_over(answer.headers, changes)
        return answer._replace(headers=headers)

    async def earlier(self, status: int) -> Answer | None:
        """The answer of an earlier run of this request that was committed, when this one ends with `status`.

        What a first run has changed, a closing time or a new release may be why the second one says no,
        so the first answer counts. Without a session there is nobody whose it could be.
        """
        ctx = self._ctx
        nobody = ctx.session is None or (ctx.is_new and not ctx.signed_in)
        if ctx.signed_in and status in (401, 403):
            nobody = True  # the app takes back who it is
        # What the view knows as applied was looked for before, or is not at the origin.
        if self._key is None or self._repeated or nobody or self._host.name == "browser":
            return None
        outcome = await self._earlier()
        return None if outcome is None else await self._replay(outcome)

    def _writes_again(self, answer: Answer) -> bool:
        """Whether this run of a request that has been applied would write, and says that it has."""
        return self._repeated and answer.status < 400 and self._ctx.records.changed

    async def _earlier(self) -> Outcome | None:
        whose = Principal(self._ctx.author) if self._ctx.author else self._principal()
        return await self._host.origin.outcome(whose, self._ctx.sent_key, self._fingerprint)

    def _foretold(self, answer: Answer, *, final: bool) -> Answer:
        """An answer that an edge has yet to confirm, with what it would change for the worker to keep.

        `Edgekit-Effects`: base64 of JSON `{"state", "shp", "writes": [[scope, collection, id, value], …]}`;
        state is null if it has not changed, `shp` is the version of its layout.
        Raises NeedsEdge for an answer that is not final: perhaps the edge knows better.
        """
        if not final or len(answer.body) > RESPONSE_LIMIT or self._writes_again(answer):
            raise NeedsEdge("an outcome of this request")
        ctx = self._ctx
        # What the view contains already does not happen again.
        changed = ctx.state.changed and not self._repeated
        writes = ctx.records.writes if answer.status < 400 else ()
        effects = {
            "state": ctx.state.export() if changed else None,
            "shp": ctx.shape,
            "writes": [[*write.key, write.value] for write in writes],
        }
        encoded = base64.b64encode(encode_json(effects))
        return answer._replace(headers=[*made_private(answer.headers), (EFFECTS_HEADER, encoded)])

    async def _replay(self, outcome: Outcome) -> Answer:
        """The stored answer. Its state counts only for the view that it was made from: a newer one contains
        it or has gone another way, and going back to an old form must not bring old state back."""
        stored = outcome.response
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
        changes = _SETTLED
        if not self._repeated and stored.base == self._ctx.visitor.base:
            changes = _Changed(stored.state, stored.sealed, settled=True, stored=True)
        headers = await self._hand_over(headers, changes)
        return Answer(stored.status, [*headers, REPLAYED], stored.body)

    def _principal(self) -> Principal:
        self._ctx.ensure_user()
        found = self._ctx.principal()
        assert found is not None  # noqa: S101 - there is a session now
        return found

    async def _changes(self) -> _Changed:
        """What this request changed in the user's state; nothing if the tokens contain it already."""
        ctx = self._ctx
        sealed = ctx.sealed_change
        if self._repeated or not (ctx.state.changed or sealed is not None):
            return _SETTLED
        if self._host.name == "browser":
            raise NeedsEdge("signing a changed state")
        token = None
        if sealed is not None:
            version = ctx.visitor.view.version + 1 if ctx.visitor.view else 1
            token = await self._host.visitors.seal(ctx.ensure_user(), version, sealed.export())
        return _Changed(ctx.state.export() if ctx.state.changed else None, token, settled=True)

    async def _hand_over(self, headers: Headers, changed: _Changed) -> Headers:
        """`headers` with the kit's own: what the client's tokens are now, and that the answer is its own.

        What is not `settled` has failed: it neither signs in nor out.
        """
        ctx = self._ctx
        versions = ctx.catalog.versions
        if versions:
            headers = [*headers, (b"edgekit-catalog", json.dumps(versions, separators=(",", ":")).encode())]
        caching, shareable = caching_of(headers), is_shareable(headers)
        if changed.settled and ctx.signed_out:
            leaving, everywhere = ctx.visitor.session, ctx.signed_out == "everywhere"
            gone = await sign_out(self._host, self._scope, leaving, everywhere=everywhere)
            return [*made_private(headers), *gone]
        signed_in = changed.settled and ctx.signed_in
        if not changed.settled and ctx.signed_in:  # it is as it was
            ctx.session = ctx.visitor.session
        renews = changed.state is not None or changed.sealed is not None or ctx.is_new
        if renews and ctx.uninvited and ctx.visitor.session is None and not ctx.visitor.is_nobody:
            return made_private(headers)  # a read that nobody has asked for makes nobody a guest
        if shareable and ctx.personal:
            headers, shareable = made_private(headers), False
        if not renews and (shareable or not self._view_is_old()):
            return headers if caching else [*headers, PRIVATE]
        if shareable or not caching:
            # Tokens in a cache that is shared would make everybody the same user.
            headers = made_private(headers)
        return headers + await self._host.visitors.issue(
            self._scope, await self._issued(changed, signed_in=signed_in)
        )

    async def _issued(self, changed: _Changed, *, signed_in: bool) -> Changes:
        ctx, session, refresh = self._ctx, self._ctx.ensure_user(), None
        if signed_in:
            session, refresh = await self._sign_in(session)
        old = ctx.visitor.view
        state, shape = changed.state, ctx.shape
        if state is None:
            state, shape = (dict(old.state), old.shape) if old is not None else ({}, ctx.shape)
        view = View(
            session.subject,
            old.version if old is not None else 0,
            state,
            old.applied if old is not None else (),
            sid=session.sid,
            guest=session.guest,
            claims=session.claims,
            form_secret=self._host.visitors.form_secret(session),
            jkt=session.jkt,
            shape=shape,
            late=session.late,
        )
        changes = changed.state is not None or changed.sealed is not None
        if changes or old is None:
            view = replace(view, version=view.version + 1)
        if changes and self._key is not None:
            applied = remember(view.applied, self._key, self._fingerprint, stored=changed.stored)
            view = replace(view, applied=applied)
        sealed = changed.sealed
        if sealed is None and signed_in and ctx.visitor.sealed:
            sealed = await self._host.visitors.seal(session, view.version, ctx.visitor.sealed)
        return Changes(session if ctx.is_new else None, refresh, view, sealed)

    async def _sign_in(self, session: Session) -> tuple[Session, str]:
        """The session as the origin knows it, and the token that renews it."""
        principal = Principal(session.subject, session.sid)
        epoch, refresh = await self._host.origin.create_session(principal, session.claims, session.jkt)
        # The one before it is of no use to anybody now.
        await end(self._host, self._ctx.visitor.session)
        return replace(session, epoch=epoch), refresh

    def _view_is_old(self) -> bool:
        """Whether the client should have a new view for other reasons than a change of the state."""
        session, view = self._ctx.visitor.session, self._ctx.visitor.view
        if session is None or self._host.name == "browser":
            return False
        return view is None or view.jkt != session.jkt or self._ctx.now - view.issued_at > VIEW_LIFE / 2
