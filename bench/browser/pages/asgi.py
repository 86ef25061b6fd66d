"""How the other ways run the same app: bound to the same catalog, one plain ASGI call per request."""

import importlib
import os
import random
import time

from js import location
from pyodide.http import pyfetch

from edge.catalog import Catalog
from edge.errors import NeedsEdge
from edge.host import Host
from edge.origin_client import OriginClient
from edge.types import Reply
from edge.visitor import PayloadVisitors

VIEW = {
    "sub": "guest:bench",
    "sid": "s" * 22,
    "ver": 1,
    "keys": [],
    "state": {},
    "shp": 0,
    "usr": {},
    "guest": True,
    "frm": "f" * 22,
    "iat": 0,
    "exp": 86_400,
}


async def public_fetch(path, _etag):
    """The way to the catalog."""
    response = await pyfetch(f"{location.origin}/_edge{path}")  # PyScript's worker is a blob
    return Reply(response.status, dict(response.headers), await response.bytes())


async def private_fetch(*_):
    """There is no way to the records."""
    raise NeedsEdge("a record")


def start(spec):
    """Import the app `module:attribute` and bind it to its surroundings."""
    module, _, attribute = spec.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    host = Host(
        name="browser",
        clock=time.time,
        timer=time.monotonic,
        entropy=os.urandom,
        visitors=PayloadVisitors(),
        origin=OriginClient(private_fetch, None, time.time),
        catalog=Catalog(public_fetch, time.monotonic, random.random),
    )
    app.bind(host)
    return app


async def answer(app, path, root=""):
    """GET `path`; returns status, headers as pairs of strings, and the body."""
    found = {"body": b""}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        found.update(message, body=found["body"] + message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": root,
        "headers": [(b"host", b"bench"), (b"accept", b"text/html")],
        "client": None,
        "server": None,
        "edgekit.view": VIEW,
    }
    await app(scope, receive, send)
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in found["headers"]]
    return found["status"], headers, found["body"]
