"""Calls from JavaScript as ASGI cycles. Counterpart: browser/bridge.js; the calls: browser/protocol.js."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from ..app import Stateless
from . import _js
from .address import server_of
from .loop import DrainingLoop

ASGI = {"version": "3.0", "spec_version": "2.4"}
AHEAD = 262_144  # bytes of an answer that is still being produced without a wait
LIGHTEST = 1_024  # bytes that the smallest part counts as

SLOW = 0.05  # seconds without a turn of JavaScript after which work that blocks counts as slow
TURN = 0.001  # seconds; a timer, whatever its length, is a turn of JavaScript

logger = logging.getLogger("edgekit")
_cycle: ContextVar[Cycle | None] = ContextVar("edgekit_cycle", default=None)


async def breathe() -> None:
    """To be awaited before work that may block: what the app has sent so far reaches its reader first.

    That costs a turn of JavaScript, so quick work waits for the first part of an answer only.
    """
    cycle = _cycle.get()
    if cycle is not None and cycle.is_behind():
        await asyncio.sleep(TURN)
        cycle.caught_up()


class Bridge:
    """JavaScript holds its methods, one persistent callable each for all requests."""

    def __init__(self, app: Stateless, state: dict[str, Any], loop: DrainingLoop) -> None:
        self._app = app
        self._state = state
        self._loop = loop
        self._live: dict[int, Cycle] = {}
        gc.freeze()  # what is here now stays: no collection needs to look at it

    def handle(  # one argument per part: strings cross the border faster than objects
        self,
        request_id: int,
        method: str,
        scheme: str,
        host: str,
        path: str,
        query: str,
        headers: str,
        body: Any,
        more: bool,
        view: str | None,
        port: Any,
        version: str = "1.1",
        peer: str = "127.0.0.1",
        peer_port: int = 0,
    ) -> Any:
        """Begin a request. Returns [status, headers, body, working] if the answer is complete, else None.

        Status 0 means: pass the request to the next host; the headers then hold the reason.
        """
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "method": method,
            "scheme": scheme,
            "path": unquote(path) if "%" in path else path,
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": _js.split_headers(headers),
            "client": (peer, peer_port),
            "server": server_of(host),
            "state": self._state.copy(),
        }
        if view is not None:
            scope["edgekit.view"] = _js.parse(view)
        self._loop.enter()
        cycle = Cycle(request_id, _js.bytes_of(body), more, port)
        # Eager: an app that never waits has finished when this line has.
        task = asyncio.Task(cycle.run(self._app, scope), loop=self._loop, eager_start=True)  # type: ignore[call-arg]
        if not task.done():
            self._loop.drain()  # waits within the app itself, as middleware has them
        if cycle.ended and task.done():
            return cycle.response(working=False)
        cycle.task = task
        self._live[request_id] = cycle
        task.add_done_callback(lambda _task: self._end(request_id, port))
        if cycle.ended:
            return cycle.response(working=True)
        cycle.release()
        return None

    def cancel(self, request_id: int) -> None:
        """The client has gone away: the app gets `http.disconnect`, and its task is cancelled."""
        cycle = self._live.get(request_id)
        if cycle is not None:
            cycle.disconnect()
            self._loop.drain()

    def feed(self, request_id: int, body: Any, more: bool) -> None:
        """The part of the request's body that the app has asked for."""
        cycle = self._live.get(request_id)
        if cycle is not None:
            cycle.feed(_js.bytes_of(body), more)
            self._loop.drain()

    def resume(self, request_id: int) -> None:
        """The client has read what it got: the app may send more."""
        cycle = self._live.get(request_id)
        if cycle is not None:
            cycle.writable.set()
            self._loop.drain()

    def _end(self, request_id: int, port: Any) -> None:
        cycle = self._live.pop(request_id)
        cycle.task = None  # and with it the traceback
        if cycle.gone:
            # What was cut off lies in cycles with its traceback; generators have yet to run their `finally`.
            self._loop.call_soon(gc.collect)
        port.done(request_id)


class Cycle:
    """One request and its response. Until `release` everything is kept, after it everything is passed on."""

    def __init__(self, request_id: int, body: bytes, more: bool, port: Any) -> None:
        self.task: asyncio.Task[None] | None = None
        self.ended = False
        self.gone = False  # the client
        self.writable = asyncio.Event()
        self._id = request_id
        self._port = port
        self._part: bytes | None = None if more else body
        self._more = more
        self._asked = False
        self._arrived = asyncio.Event()  # something that `receive` may wait for
        self._status = 0
        self._headers = ""
        self._parts: list[bytes] = []
        self._weight = 0
        self._released = False
        self._headed = False
        self._unseen = False  # parts that JavaScript has not passed on
        self._turned = time.monotonic()

    async def run(self, app: Stateless, scope: dict[str, Any]) -> None:
        """Drive the app to its end. Whatever happens, the client gets an end of its response."""
        _cycle.set(self)  # for this task and those that it begins
        try:
            await app(scope, self._receive, self._send)
        except (Exception, SystemExit):
            if not self.gone:
                logger.exception("%s %s broke off", scope["method"], scope["path"])
        finally:
            if not self.ended and not self._status:
                self._status, self.ended = 500, True
                if self._released:
                    self._flush(more=False)

    def response(self, *, working: bool) -> Any:
        """The complete answer, for a cycle that never waited."""
        return _js.js_response(self._status, self._headers, b"".join(self._parts), working)

    def release(self) -> None:
        """From now on parts go straight to JavaScript."""
        self._released = True
        if not self._status or self._flush(more=True):
            self.writable.set()

    def is_behind(self) -> bool:
        """Whether there are parts that JavaScript should have its turn for."""
        return self._unseen and (not self._headed or time.monotonic() - self._turned > SLOW)

    def caught_up(self) -> None:
        """JavaScript has had its turn."""
        self._unseen, self._turned = False, time.monotonic()

    def disconnect(self) -> None:
        self.gone = True
        self._arrived.set()
        self.writable.set()
        if self.task is not None:
            self.task.cancel()

    def feed(self, part: bytes, more: bool) -> None:
        self._part, self._more, self._asked = part, more, False
        self._arrived.set()

    async def _receive(self) -> dict[str, Any]:
        while not (self.gone or self.ended):
            if self._part is not None:
                part, self._part = self._part, None
                return {"type": "http.request", "body": part, "more_body": self._more}
            if self._more and not self._asked:
                self._asked = True
                self._port.want(self._id)
            self._arrived.clear()
            await self._arrived.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self.gone:
            raise OSError("the client has gone away")  # ASGI HTTP spec 2.4
        if self.ended:
            raise RuntimeError("the answer was complete before this message")
        if message["type"] == "edgekit.escalate":
            self._status, self._headers, more = 0, message["reason"], False
        elif message["type"] == "http.response.start":
            self._status, self._headers = message["status"], _js.join_headers(message["headers"])
            return
        else:
            part, more = message.get("body", b""), message.get("more_body", False)
            self._parts.append(part)
            self._unseen = self._unseen or bool(part)
            self._weight += max(len(part), LIGHTEST)
        if not more:
            self.ended = True
            self._arrived.set()
        ahead = not self._flush(more=more) if self._released else self._weight > AHEAD
        if more and ahead:
            self.writable.clear()
            await self.writable.wait()
        if self.gone:
            raise OSError("the client has gone away")

    def _flush(self, *, more: bool) -> bool:
        """Pass on what there is; whether JavaScript takes more at once."""
        if not self._headed:
            self._headed = True
            self._port.head(self._id, self._status, self._headers)
        body = b"".join(self._parts)
        self._parts.clear()
        return bool(self._port.chunk(self._id, _js.js_bytes(body) if body else None, more))
