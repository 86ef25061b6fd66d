"""`Stateless`: wraps an ASGI app so that every host can answer every request it is allowed to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from . import endpoints, hidden, hosts, page_script, sockets
from .applied import STORED, find
from .context import Context
from .cookies import without_ours
from .cors import granted
from .csrf import check_write, is_uninvited
from .diagnosis import diagnose, diagnose_head
from .errors import NeedsEdge, Problem, device_required
from .exchange import Exchange
from .failure_log import log_failure
from .fingerprints import fingerprint_of
from .foreign import Foreign
from .guard import Guard, root_paths
from .host import Host
from .intake import (
    BODY_LIMIT,
    SAFE,
    check_head,
    check_json,
    declared_length,
    form_field,
    idempotency_key,
    limited,
    named_session,
    part_size,
    read_body,
    replay,
    sent_at,
)
from .lifespan import refuse_to_start, run_lifespan
from .parameters import check, texts
from .placement import Placement
from .presence import Presence
from .reruns import PATIENCE, Reruns, final
from .responder import Responder
from .settlement import Settlement
from .state import Shape
from .visitor import Visitor
from .wire import RecordKey


class Stateless:
    """An ASGI app that keeps nothing between two requests; itself an ASGI app.

    Raises TypeError for an argument of another type, and ValueError for a pattern that no router would take.

    `anywhere`: path patterns (Starlette syntax) whose safe requests may be answered in the browser.
    `shared`: record collections that belong to everybody instead of to one user.
    `readable`: record collections that browsers may read just as they are stored, the user's own or
    shared ones; handlers that read any other escalate to an edge.
    `optimistic`: path patterns whose writes a browser may answer at once, before an edge has confirmed them.
    `bound`: path patterns that only users may use whose session was bound to their device when they signed
    in. It also covers what some routers take for such a path (other case, more slashes), the kit's own
    paths (`/_edge/records/user/…`) and WebSockets, which nobody may open there. See `ctx.require_device()`.
    `foreign`: path patterns that take writes (and WebSockets) of other sites' pages, which elsewhere get 403.
    Whoever sends one is nobody there, whatever cookies came along; no session begins or ends.
    `static`: URL prefix -> folder of files that go into the browser release as they are.
    `state_version`: of the layout of `ctx.state`; `upgrade(values, version)` brings what an older version
    has left to it.
    `script`: whether pages get the script that registers the service worker.
    `max_body`: bytes of the largest request body.
    `conflict_timeout`: seconds during which a request whose records others changed meanwhile is run again;
    after that it is answered with a 503 "overloaded" and `Retry-After`.
    """

    def __init__(
        self,
        app: ASGIApp,
        anywhere: Iterable[str] = (),
        *,
        shared: Iterable[str] = (),
        readable: Iterable[str] = (),
        optimistic: Iterable[str] = (),
        bound: Iterable[str] = (),
        foreign: Iterable[str] = (),
        static: Mapping[str, str | PathLike[str]] | None = None,
        state_version: int = 0,
        upgrade: Callable[[dict[str, Any], int], Mapping[str, Any]] | None = None,
        script: bool = True,
        max_body: int = BODY_LIMIT,
        conflict_timeout: float = PATIENCE,
    ) -> None:
        check(app, static, max_body)
        self.app = app
        self.placement = Placement(texts("anywhere", anywhere))
        self.shared = frozenset(texts("shared", shared))
        self.readable = frozenset(texts("readable", readable))
        self.optimistic = Placement(texts("optimistic", optimistic))
        self._bound = Guard(texts("bound", bound), root_paths(app))
        self._foreign = Foreign(texts("foreign", foreign))
        self.static = dict(static or {})
        self._shape = Shape(state_version, upgrade)
        self.script = script
        self.max_body = max_body
        self._conflict_timeout = conflict_timeout
        self._host: Host | None = None

    def bind(self, host: Host) -> None:
        """Let `host` run this app. Without it the first request picks the host of this platform."""
        if host.name == "browser":
            hidden.watch()
        self._host = host

    @property
    def host(self) -> Host:
        """The host that runs this app; chosen now if it was not bound."""
        if self._host is None:
            self._host = hosts.default(self.static)
        return self._host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(dict(scope), receive, send)
        elif scope["type"] == "lifespan":
            try:
                host = self.host
            except (OSError, ValueError) as error:  # a setting: nobody could be answered
                await refuse_to_start(error, receive, send)
                return
            await run_lifespan(self.app, host.close, scope, receive, send)
        elif scope["type"] == "websocket":
            scope = dict(scope)
            problem = sockets.judge(scope, self.host, self._bound, self._foreign, self.max_body)
            if problem is not None:
                await sockets.refuse(scope, receive, send, problem)
            else:
                scope["headers"] = without_ours(scope, scope["headers"])
                await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _admit(self, host: Host, visitor: Visitor, scope: dict[str, Any]) -> None:
        if visitor.is_vouched_for or not self._bound.covers(scope):
            return
        if host.name == "browser":  # which may not have heard yet that somebody has signed in
            raise NeedsEdge("a session that is bound to this device")
        raise device_required()

    def _is_file(self, scope: dict[str, Any]) -> bool:
        return any(scope["path"].startswith(f"{prefix.rstrip('/')}/") for prefix in self.static)

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        host = self.host
        client = Presence(receive, send)
        receive = client.receive
        responder = Responder(scope, client.send, host, script=self.script)
        try:
            if host.address is not None:
                host.address.admit(scope)
            check_head(scope, self.max_body)
            # A browser's own host is asked by its own pages only.
            foreign = host.name != "browser" and self._foreign.judge(scope)
            if endpoints.owns(scope, host) or (host.name == "browser" and self._is_file(scope)):
                if host.name == "browser":  # spelled so that its worker has not seen it, as `/%5Fedge/view`
                    raise NeedsEdge("what only an edge serves")
                admit = partial(self._admit, host)
                await endpoints.answer(scope, receive, responder, host, self.shared, self.readable, admit)
                return
            scope["headers"] = page_script.uncoded(scope["headers"], host.name, script=self.script)
            visitor = Visitor(is_nobody=True) if foreign else await host.visitors.open(scope)
            responder.fields += visitor.headers
            self._admit(host, visitor, scope)
            if scope["method"] in SAFE:
                await self._safe(host, visitor, scope, limited(receive, self.max_body), responder)
            else:
                await self._unsafe(host, visitor, scope, limited(receive, self.max_body), responder)
        except Exception as error:
            if isinstance(error, ClientDisconnect) and client.gone:
                return  # nobody is left to be told
            if isinstance(error, ValueError) and scope["method"] in SAFE and not responder.started:
                error = diagnose_head(scope, error) or error
            problem = error if isinstance(error, Problem) else Problem("internal-error")
            if problem.code == "session-ended" and host.name != "browser":  # whichever host found it out
                problem.fields += host.visitors.dismiss(scope)
            log_failure(scope, error, problem)
            if responder.started:
                raise  # too late to say so properly: the server cuts the connection
            await self._refuse(problem, scope, responder)

    async def _refuse(self, problem: Problem, scope: dict[str, Any], responder: Responder) -> None:
        if problem.code != "misdirected-request" and not endpoints.owns(scope, self.host):
            problem.fields += await granted(self.app, scope)
        await responder.problem(problem)

    async def _safe(
        self, host: Host, visitor: Visitor, scope: dict[str, Any], receive: Receive, responder: Responder
    ) -> None:
        ctx = self._context(host, visitor, scope, None, host.entropy(16).hex())
        responder.made_for = ctx.made_for
        settlement = Settlement(host, ctx, scope)
        await Exchange(ctx, responder, settlement.safe).run(self.app, scope, receive)

    async def _unsafe(
        self, host: Host, visitor: Visitor, scope: dict[str, Any], receive: Receive, responder: Responder
    ) -> None:
        body = await read_body(receive, declared_length(scope))
        if body is None:
            return
        trusted = host.name == "browser"  # it is the device, and its worker takes only its own pages' writes
        if not trusted:
            visitor.check_author(named_session(scope))
            visitor.check_body(body)
        check_json(scope, body)
        fingerprint = fingerprint_of(scope, body)
        field = await form_field(scope, body)
        if visitor.session is not None and not trusted:
            check_write(scope, field, host.visitors.form_secrets(visitor.session))
        key = idempotency_key(scope, field, fingerprint)
        view = visitor.view
        earlier = find(view.applied, key, fingerprint) if view is not None and key is not None else None
        sent, late = host.clock(), None
        try:
            sent = sent_at(scope, sent)
        except Problem as problem:  # too late to run, not to learn what became of it
            late = problem
        # One seed for all runs, also where the client sent no key: the origin keeps a turn for the next run.
        seed = host.entropy(16).hex()
        reruns = Reruns(self._conflict_timeout, host.timer, lambda: host.entropy(1)[0] / 255)
        while True:
            ctx = self._context(host, visitor, scope, key, seed, reruns.refused, sent)
            responder.made_for = ctx.made_for
            settlement = Settlement(
                host, ctx, scope, body=body, key=key, fingerprint=fingerprint, repeated=earlier is not None
            )
            if earlier == STORED:
                await settlement.give_stored(responder)
                return
            if late is not None:
                await self._fail(late, settlement, responder)
                return
            try:
                exchange = Exchange(ctx, responder, settlement.unsafe)
                await exchange.run(self.app, scope, replay(body, receive, part_size(scope)))
            except Problem as problem:
                pause = None if responder.started else reruns.pause(problem)
                if pause is None:
                    await self._fail(problem if responder.started else final(problem), settlement, responder)
                    return
                await asyncio.sleep(pause)
            except Exception as error:
                mistake = None if responder.started else await diagnose(scope, body, error)
                await self._fail(mistake or error, settlement, responder)
                return
            else:
                return

    async def _fail(self, error: Exception, settlement: Settlement, responder: Responder) -> None:
        """Raise `error`, unless this request has succeeded before: then give that answer."""
        asks = not responder.started and not isinstance(error, NeedsEdge)
        if isinstance(error, Problem) and error.code == "origin-unavailable":
            asks = False  # it would not answer that either, and whoever tries again is told then
        status = error.status if isinstance(error, Problem) else 500
        earlier = await settlement.earlier(status) if asks else None
        if earlier is None:
            raise error
        await responder.begin(*earlier)

    def _context(
        self,
        host: Host,
        visitor: Visitor,
        scope: dict[str, Any],
        key: str | None,
        seed: str,
        refused: Collection[tuple[RecordKey, str]] = (),
        sent: float | None = None,
    ) -> Context:
        return Context(
            host,
            visitor,
            method=scope["method"],
            sent_key=key or seed,
            seed=seed,
            shared=self.shared,
            readable=self.readable,
            refused=refused,
            sent_at=sent,
            shape=self._shape,
            uninvited=is_uninvited(scope),
            author=None if scope["method"] in SAFE else host.visitors.author(scope, visitor.session),
        )
