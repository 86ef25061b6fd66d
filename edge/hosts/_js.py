"""The border to JavaScript: no other module but `webcrypto` imports `js` or `pyodide`.

Values cross it as plain strings and byte arrays; headers as one string, "name\\0value\\0name\\0value".
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyodide import webloop
from pyodide.ffi import create_once_callable, to_js
from pyodide.webloop import WebLoop

from ..errors import NeedsEdge
from ..types import Clock, Fetch, PublicFetch, Reply

JsResponse = Any  # a JavaScript array [status, headers, Uint8Array]
LONGEST_DELAY = 2**31 - 1  # ms; setTimeout() takes a signed 32-bit number

__all__ = [
    "LONGEST_DELAY",
    "WebLoop",
    "bytes_of",
    "clock",
    "config",
    "join_headers",
    "js_bytes",
    "js_response",
    "parse",
    "public_fetch",
    "schedule",
    "split_headers",
    "use_plain_js",
    "user_fetch",
]


def bytes_of(buffer: Any) -> bytes:
    """The bytes of a Uint8Array or ArrayBuffer; nothing at all counts as empty."""
    return b"" if buffer is None else bytes(buffer.to_bytes())


def js_bytes(data: bytes) -> Any:
    """A Uint8Array with a copy of `data`."""
    return to_js(data)


def js_response(status: int, headers: str, body: bytes, working: bool) -> JsResponse:
    """[status, headers, Uint8Array, boolean] in one crossing."""
    return to_js((status, headers, body, working))


def schedule(callback: Callable[[], None], milliseconds: int) -> None:
    """Let JavaScript call `callback` once, after its present task and at least `milliseconds` later."""
    # "May syncify": where the engine can switch stacks, the callback may use `run_sync`.
    webloop.scheduleCallback(create_once_callable(callback, _may_syncify=True), milliseconds)


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """ASGI headers as one string."""
    return b"\0".join(part for pair in headers for part in pair).decode("latin-1")


def split_headers(text: str) -> list[tuple[bytes, bytes]]:
    """The reverse of `join_headers`."""
    parts = iter(text.encode("latin-1").split(b"\0") if text else ())
    return list(zip(parts, parts, strict=True))


def clock(services: Any) -> Clock:
    """Seconds since 1970: the clock of a device may be wrong by days, and JavaScript knows by how much."""
    now = getattr(services, "now", None)
    return time.time if now is None else lambda: float(now()) / 1000


def public_fetch(services: Any) -> PublicFetch:
    """The JavaScript side's way to the catalog."""

    async def fetch(path: str, etag: str | None) -> Reply:
        return _reply(await services.publicFetch(path, etag or ""), "the catalog", marks=False)

    return fetch


def user_fetch(services: Any) -> Fetch:
    """The JavaScript side's way to the records of the user."""

    async def fetch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        flat = "\0".join(part for pair in headers.items() for part in pair)
        return _reply(await services.userFetch(method, target, flat, js_bytes(body)), "a record")

    return fetch


def use_plain_js() -> None:
    """Let every module that imported `js` see the real one again.

    While Pyodide is able to take a snapshot, `js` records the path of what is touched, and attributes
    that are accessors (`js.crypto`) fail there.
    """
    recording = sys.modules.pop("js", None)
    if recording is None:  # nobody has asked for it yet
        return
    plain = importlib.import_module("js")
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is recording:
                setattr(module, name, plain)


def parse(text: str) -> dict[str, Any]:
    """A JSON object that JavaScript sent as text."""
    value: dict[str, Any] = json.loads(text)
    return value


def config(services: Any) -> dict[str, Any]:
    """What the JavaScript side was told when it started this host."""
    return parse(services.config)


def _reply(response: JsResponse, what: str, *, marks: bool = True) -> Reply:
    status, headers, body = response.to_py(depth=1)
    if status == 0:
        # The network is gone: perhaps the next host is luckier.
        raise NeedsEdge(what, marks=marks)
    fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in split_headers(headers)}
    return Reply(status, fields, bytes_of(body))
