"""Pyodide host, for the browser's service worker and for fetch-API runtimes alike.

Counterpart: browser/runtime.js. JavaScript calls `load` once, `start` once, and then what `start` returns.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, cast

import anyio.to_thread

from .. import cross_origin
from ..app import Stateless
from ..catalog import BROWSER_BYTES, Catalog, memory
from ..host import Host
from ..origin_client import OriginClient
from ..types import HostName
from ..visitor import PayloadVisitors, Visitors
from . import _js, late, randomness, threadless
from ._js import use_plain_js
from .address import static_address
from .bridge import Bridge, breathe
from .lifespan import Lifespan
from .loop import DrainingLoop, install
from .warmup import warm_up

__all__ = ["load", "start", "use_plain_js"]

_apps: dict[str, Stateless] = {}


def load(spec: str, warm: bool = False) -> Awaitable[None]:
    """Import the app `module:attribute`, and with `warm` run its simplest pages once.

    A snapshot is taken after this and before `start`, so nothing here may keep a JavaScript object, a
    clock reading or a secret. Raises whatever the import of the app raises.
    """
    threadless.install(_js.WebLoop)
    install()  # before the first task: one cannot change its loop
    late.install()
    randomness.watch()
    return _load(spec, warm)


async def _load(spec: str, warm: bool) -> None:
    anyio.to_thread.run_sync = _inline  # type: ignore[assignment]
    module, _, attribute = spec.partition(":")
    loaded = getattr(importlib.import_module(module), attribute or "app")
    app = loaded if isinstance(loaded, Stateless) else Stateless(loaded)
    if warm:
        await warm_up(app)
    gc.collect()
    _apps[spec] = app


def start(spec: str, name: str, services: Any) -> Awaitable[Bridge]:
    """Run the start-up of the app that was loaded, and return what answers requests.

    `name` is "browser" or "edge"; `services` is the JavaScript object described in browser/services.js.
    Raises whatever the start-up of the app raises.
    """
    randomness.renew()
    loop = install()
    loop.restart()  # before the first task: the loop still waits for a wake-up from before the snapshot
    return _start(spec, name, services, loop)


async def _start(spec: str, name: str, services: Any, loop: DrainingLoop) -> Bridge:
    app = _apps[spec]
    settings = _js.config(services)
    if settings.get("development"):
        logging.basicConfig(level=logging.INFO)
    app.bind(await _host(cast("HostName", name), services, settings))
    lifespan = Lifespan(app)
    await lifespan.startup()
    return Bridge(app, lifespan.state, loop)


async def _host(name: HostName, services: Any, settings: dict[str, Any]) -> Host:
    public_fetch, user_fetch = _js.public_fetch(services), _js.user_fetch(services)
    visitors: Visitors = PayloadVisitors()
    sites: frozenset[str] = frozenset()
    address = None
    if name == "edge":
        from . import trusted  # noqa: PLC0415 - no browser has it

        keys = await trusted.load_keys(settings)
        origin = OriginClient(user_fetch, keys, time.time)
        visitors = await trusted.cookie_visitors(keys, origin, public_fetch, settings)
        sites = cross_origin.origins(settings.get("sites") or "")
        address = trusted.address(settings)
    else:
        keys, origin = None, OriginClient(user_fetch, None, time.time)
    catalog_bytes = BROWSER_BYTES if name == "browser" else memory(settings.get("catalogMemory") or "")
    files: dict[str, str] = settings.get("static", {})
    return Host(
        name=name,
        clock=_js.clock(services),
        timer=time.monotonic,
        entropy=os.urandom,
        visitors=visitors,
        origin=origin,
        catalog=Catalog(public_fetch, time.monotonic, random.random, catalog_bytes),
        keys=keys,
        static=lambda path: static_address(files, path),
        development=bool(settings.get("development")),
        sites=sites,
        address=address,
    )


async def _inline(func: Callable[..., Any], *args: Any, **_options: Any) -> Any:
    """There are no threads here: what frameworks would run in one runs at once, in a context of its own."""
    await breathe()
    return copy_context().run(func, *args)
