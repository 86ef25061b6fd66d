"""Runs an app's simplest pages once before a snapshot is taken, so that what they compile is in it.

Nobody sees the answers. There is no user, the catalog is empty, records are out of reach, and nothing that
a handler does here can be stored: it is a safe request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from ..app import Stateless
from ..catalog import Catalog
from ..errors import NeedsEdge
from ..host import Host
from ..origin_client import OriginClient
from ..types import Reply
from ..visitor import PayloadVisitors

PATIENCE = 1.0  # seconds for each page
EMPTY = b'{"version":"0","items":{}}'
NOBODY: Mapping[str, Any] = {
    "sub": "guest:nobody",
    "sid": "",
    "ver": 0,
    "state": {},
    "keys": [],
    "iat": 0,
    "usr": {},
    "guest": True,
    "frm": "-",
    "shp": 0,
}


async def warm_up(app: Stateless) -> None:
    """GET every `anywhere` route without parameters. Whatever goes wrong is not wrong yet.

    Leaves the app bound to a host of no use: the real one follows.
    """
    app.bind(_host())
    logging.disable()
    for path in app.placement.patterns:
        if "{" not in path:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await app(_scope(path), _receive, _send)
    logging.disable(logging.NOTSET)


def _host() -> Host:
    return Host(
        name="browser",
        clock=lambda: 0.0,
        timer=lambda: 0.0,
        entropy=bytes,
        visitors=PayloadVisitors(),
        origin=OriginClient(_no_record, None, lambda: 0.0),
        catalog=Catalog(_empty_catalog, lambda: 0.0, lambda: 0.0),
    )


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"accept", b"text/html")],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 443),
        "state": {},
        "edgekit.view": NOBODY,
    }


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Any) -> None:
    """Let go of it."""


async def _empty_catalog(path: str, etag: str | None) -> Reply:  # noqa: ARG001
    return Reply(200, {"cache-control": "max-age=60"}, EMPTY)


async def _no_record(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG001
    raise NeedsEdge("a record")
