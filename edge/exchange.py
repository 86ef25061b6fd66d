"""One run of the app for one request: watches what it sends and decides when that becomes the answer.

A safe request streams through. The complete answer to an unsafe request is first settled (committed);
only then is it sent. The app's failures are held back, so that they can be answered as problems.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive

from . import hidden
from .context import SCOPE_KEY, Context
from .cookies import without_ours
from .cors import granted
from .errors import NeedsEdge, Problem
from .intake import SAFE, as_sent
from .responder import Responder
from .running import running
from .visitor import Headers
from .wire import RESPONSE_LIMIT

# Not final, or not an outcome of the app's own rules: these may be tried again (IETF
# idempotency-key-header draft, section 2.6), so their effects are dropped and nothing is kept.
NOT_STORED = frozenset({400, 401, 403, 408, 413, 428, 429})


class Answer(NamedTuple):
    """A whole response as a value."""

    status: int
    headers: Headers
    body: bytes


REPLAYED = (b"idempotency-replayed", b"true")  # on the answer to an earlier run of the same request
EVENT_STREAM = b"text/event-stream"  # the first event may be long in coming, its reader wants to know now
NO_BODY = frozenset({204, 304})  # whatever their Content-Length says: RFC 9110 section 8.6
# What Starlette, and with it FastAPI, says where an app has no words of its own for an exception.
STOCK = (b"text/plain; charset=utf-8", b"Internal Server Error")

Settle = Callable[[Answer], Awaitable[Answer]]


class Exchange:
    """`settle` turns the app's complete answer into the final one, or raises a `Problem`."""

    def __init__(self, ctx: Context, responder: Responder, settle: Settle) -> None:
        self._ctx = ctx
        self._responder = responder
        self._settle = settle
        self._status = 0
        self._headers: Headers = []
        self._held: list[bytes] = []
        self._size = 0  # bytes that the app has sent
        self._length: int | None = None  # bytes that it has promised
        self._method = ""
        self._complete = False
        self._replaced = False
        self._failure: Exception | None = None

    async def run(self, app: ASGIApp, scope: dict[str, Any], receive: Receive) -> None:
        """Run the app to its end, background work included.

        Raises `Problem` if there is still no answer then; any other exception is the app's own. What the app
        has answered to that in its own words is given, and the exception raised all the same.
        """
        self._method = scope["method"]
        inner = {
            **scope,
            "headers": without_ours(scope, as_sent(scope)),
            SCOPE_KEY: self._ctx,
            "session": self._ctx.state,
            "state": dict(scope.get("state", {})),  # a second run must not find what the first one left
            "extensions": {},  # no other messages than those that `send` knows
        }
        if self._ctx.host == "browser":
            inner |= hidden.seen(scope, self._ctx)
        try:
            with running(self._ctx):
                await app(inner, receive, self.send)
        except Problem as problem:
            problem.own = _is_apps(problem)
            if self._failure is None and self._refuses(problem, scope["method"]):
                self._status, self._headers, body = self._responder.rendered(problem)
                self._headers += await granted(app, scope)
                self._held, self._complete = [body], True
            else:
                self._failure = self._failure or problem
        except MemoryError as error:
            # A browser gives an interpreter less room than a server does.
            in_browser = self._ctx.host == "browser"
            self._failure = self._failure or (NeedsEdge("as much memory") if in_browser else error)
        except Exception as error:
            # What the kit itself refused counts more than what the app made of the refusal.
            self._failure = self._failure or error
        if self._responder.started and self._failure is None:
            return
        if self._ctx.escalated and not self._responder.started and not isinstance(self._failure, NeedsEdge):
            raise NeedsEdge("what the handler asked for")
        if self._failure is not None:
            if self._has_own_words(self._failure):
                await self._finish()
            raise self._failure
        if not self._complete:
            raise Problem("internal-error", "the app ended without an answer", for_developers=True)
        await self._finish()

    def _refuses(self, problem: Problem, method: str) -> bool:
        """Whether a problem is the app's own answer to a write, and as final as any: a later copy of the
        request must not succeed where a user has been told no."""
        final = (
            400 <= problem.status < 500 and problem.status not in NOT_STORED and not problem.kind.retryable
        )
        return final and method not in SAFE and not self._responder.started

    def _has_own_words(self, failure: Exception) -> bool:
        """Whether the app has a complete answer of its own to an exception of its own: frameworks raise that
        once more when the answer is sent, for the sake of logs."""
        answered = self._complete and not self._responder.started and not isinstance(failure, Problem)
        stock = dict(self._headers).get(b"content-type"), b"".join(self._held)
        return answered and stock != STOCK

    async def send(self, message: Any) -> None:
        """The ASGI `send` that the app gets."""
        if self._failure is not None:
            return
        starting = message["type"] == "http.response.start"
        if starting:
            self._status = message["status"]
            self._headers = [(bytes(n).lower(), bytes(v)) for n, v in message.get("headers", ())]
            self._length = self._promised()
            if not dict(self._headers).get(b"content-type", b"").startswith(EVENT_STREAM):
                return  # the first part decides
        elif message["type"] != "http.response.body":
            return
        try:
            await self._body(bytes(message.get("body", b"")), more=message.get("more_body", starting))
        except Problem as problem:
            self._failure = problem
            raise

    async def _body(self, part: bytes, *, more: bool) -> None:
        if self._replaced:
            return
        self._size += len(part)
        self._check(more=more)
        if self._responder.started:
            await self._responder.part(part, more=more)
            return
        self._held.append(part)
        self._complete = not more
        if self._status >= 500 and self._size <= RESPONSE_LIMIT:
            return  # perhaps an exception is on its way that says more
        if not more:
            await self._finish()
        elif not (self._ctx.records.writable and self._ctx.records.touched):
            final = await self._final(b"")
            if REPLAYED in final.headers:  # a refusal, in whose place the first answer is given as a whole
                self._replaced = True
                await self._responder.begin(*final)
            else:
                await self._responder.begin(self._status, final.headers, b"".join(self._held), more=True)
        elif self._size > RESPONSE_LIMIT:
            words = f"the answer to a write has at most {RESPONSE_LIMIT} bytes"
            raise Problem("response-too-large", words, for_developers=True)

    def _promised(self) -> int | None:
        """How many bytes the body must have."""
        length = dict(self._headers).get(b"content-length", b"").strip()
        if not length or self._method == "HEAD" or self._status in NO_BODY:
            return None
        return int(length) if length.isdigit() else -1

    def _check(self, *, more: bool) -> None:
        """Raise for a body that is not what it was said to be: no client could tell it from a whole one."""
        if self._responder.started and self._ctx.escalated:
            raise NeedsEdge("what the handler asked for in the middle of its answer")
        if self._length is not None and (
            self._size > self._length or (not more and self._size < self._length)
        ):
            raise Problem(
                "internal-error", "the body is not as long as its Content-Length says", for_developers=True
            )

    async def _finish(self) -> None:
        await self._responder.begin(*await self._final(b"".join(self._held)))

    async def _final(self, body: bytes) -> Answer:
        self._ctx.close()
        if self._ctx.escalated:  # the app has answered all the same: it does not know what it lacks
            raise NeedsEdge("what the handler asked for")
        if self._ctx.host == "browser":
            hidden.check_answer(self._headers)
        return await self._settle(Answer(self._status, self._headers, body))


def _is_apps(problem: Problem) -> bool:
    """Whether the app's code has raised it, and not the kit on the app's behalf."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return not raised_in.startswith(f"{__package__}.")
