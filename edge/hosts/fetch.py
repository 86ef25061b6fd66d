"""Pyodide host, for the browser's service worker and for fetch-API runtimes alike.

Counterpart: browser/bridge.js. JavaScript calls `start` once and `handle` for each request. A handler
that never waits is answered within that one call; any other through `head` and `chunk`, later.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import random
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import anyio.to_thread

from ..app import Stateless
from ..catalog import Catalog
from ..host import Host
from ..origin_client import OriginClient
from ..types import HostName
from ..views import CookieViews, PayloadViews, Views
from . import _js
from ._js import use_plain_js
from .lifespan import Lifespan
from .warmup import warm_up

ASGI = {"version": "3.0", "spec_version": "2.4"}
EAGER_LIMIT = 262_144  # bytes of a response that is still being produced without a wait

__all__ = ["load", "start", "use_plain_js"]

HeadCallback = Callable[[int, int, str], None]
ChunkCallback = Callable[[int, Any, bool], None]


_apps: dict[str, Stateless] = {}


async def load(spec: str, warm: bool) -> None:
    """Import the app `module:attribute`, and with `warm` run its simplest pages once.

    A snapshot is taken after this and before `start`, so nothing here may keep a JavaScript object, a
    clock reading or a secret. Raises whatever the import of the app raises.
    """
    anyio.to_thread.run_sync = _inline  # type: ignore[assignment]
    module, _, attribute = spec.partition(":")
    loaded = getattr(importlib.import_module(module), attribute or "app")
    app = loaded if isinstance(loaded, Stateless) else Stateless(loaded)
    if warm:
        await warm_up(app)
    gc.collect()
    _apps[spec] = app


async def start(spec: str, name: str, services: Any) -> Callable[..., Any]:
    """Run the start-up of the app that was loaded, and return `handle`.

    `name` is "browser" or "edge"; `services` is the JavaScript object described in browser/services.js.
    Raises whatever the start-up of the app raises.
    """
    random.seed()  # a snapshot gives every instance the same numbers
    app = _apps[spec]
    settings = _js.config(services)
    if settings.get("development"):
        logging.basicConfig(level=logging.INFO)
    app.bind(await _host(cast("HostName", name), services, settings))
    lifespan = Lifespan(app)
    await lifespan.startup()
    return Bridge(app, lifespan.state).handle


async def _host(name: HostName, services: Any, settings: dict[str, Any]) -> Host:
    keys, views = None, cast("Views", PayloadViews())
    if name == "edge":
        keys = await _js.WebCryptoKeys.load(settings.get("jwk"))
        views = CookieViews(keys, keys, time.time)
    return Host(
        name=name,
        clock=time.time,
        timer=time.monotonic,
        entropy=os.urandom,
        views=views,
        origin=OriginClient(_js.user_fetch(services), keys, time.time),
        catalog=Catalog(_js.public_fetch(services), time.monotonic, random.random, 8 * 1024 * 1024),
        jwks=keys.jwks if keys else None,
        development=bool(settings.get("development")),
    )


async def _inline(func: Callable[..., Any], *args: Any, **_options: Any) -> Any:
    """There are no threads here: what frameworks would run in one runs at once."""
    return func(*args)


class Bridge:
    """Turns calls from JavaScript into ASGI cycles, one persistent callable for all requests."""

    def __init__(self, app: Stateless, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._loop = asyncio.get_event_loop()
        self._live: dict[int, Cycle] = {}

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
        view: str | None,
        head: HeadCallback,
        chunk: ChunkCallback,
    ) -> Any:
        """Begin a request. Returns [status, headers, body] if it is finished already, else None.

        Status 0 means: pass the request to the next host; the headers then hold the reason.
        """
        server, _, port = host.partition(":")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": ASGI,
            "http_version": "1.1",
            "method": method,
            "scheme": scheme,
            "path": unquote(path) if "%" in path else path,
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": _js.split_headers(headers),
            "client": ("127.0.0.1", 0),
            "server": (server, int(port) if port.isdigit() else None),
            "state": self._state.copy(),
        }
        if view is not None:
            scope["edgekit.view"] = _js.parse(view)
        cycle = Cycle(request_id, _js.bytes_of(body), head, chunk)
        # Eager: an app that never waits has finished when this line has.
        task = asyncio.Task(cycle.run(self._app, scope), loop=self._loop, eager_start=True)  # type: ignore[call-arg]
        if task.done():
            return cycle.response()
        cycle.task = task
        self._live[request_id] = cycle
        task.add_done_callback(lambda _task: self._live.pop(request_id, None))
        cycle.release()
        return None

    def cancel(self, request_id: int) -> None:
        """The client has gone away: the app gets `http.disconnect`, and its task is cancelled."""
        cycle = self._live.get(request_id)
        if cycle is not None:
            cycle.disconnect()


class Cycle:
    """One request and its response. Until `release` everything is kept, after it everything is passed on."""

    def __init__(self, request_id: int, body: bytes, head: HeadCallback, chunk: ChunkCallback) -> None:
        self.task: asyncio.Task[None] | None = None
        self._id = request_id
        self._body: bytes | None = body
        self._head = head
        self._chunk = chunk
        self._status = 0
        self._headers = ""
        self._parts: list[bytes] = []
        self._released = False
        self._headed = False
        self._ended = False
        self._gone = asyncio.Event()

    async def run(self, app: Stateless, scope: dict[str, Any]) -> None:
        """Drive the app to its end. Whatever happens, the client gets an end of its response."""
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            logging.getLogger("edgekit").exception("%s %s broke off", scope["method"], scope["path"])
        finally:
            if not self._ended and self._released:
                if not self._headed:
                    self._head(self._id, 500, "")
                self._chunk(self._id, None, False)

    def response(self) -> Any:
        """The finished response, for a cycle that never waited."""
        return _js.js_response(
            self._status or (0 if self._ended else 500), self._headers, b"".join(self._parts)
        )

    def release(self) -> None:
        """From now on parts go straight to JavaScript."""
        self._released = True
        if self._status or self._ended:
            self._flush(more=not self._ended)

    def disconnect(self) -> None:
        self._gone.set()
        if self.task is not None:
            self.task.cancel()

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._gone.is_set():
            raise OSError("the client has gone away")  # ASGI HTTP spec 2.4
        if message["type"] == "edgekit.escalate":
            self._status, self._headers, self._ended = 0, message["reason"], True
        elif message["type"] == "http.response.start":
            self._status, self._headers = message["status"], _js.join_headers(message["headers"])
            return
        else:
            self._parts.append(message.get("body", b""))
            self._ended = not message.get("more_body", False)
        if self._released:
            self._flush(more=not self._ended)
        if not self._ended and (self._released or sum(map(len, self._parts)) > EAGER_LIMIT):
            await asyncio.sleep(0)  # let JavaScript take what there is

    def _flush(self, *, more: bool) -> None:
        if not self._headed:
            self._headed = True
            self._head(self._id, self._status, self._headers)
        body = b"".join(self._parts)
        self._parts.clear()
        self._chunk(self._id, _js.js_bytes(body) if body else None, more)
