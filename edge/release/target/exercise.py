"""Runs in Pyodide: does once what apps do sooner or later, for the sake of the imports that this sets off.

Much of what a request needs is imported by the first one that needs it. `describe.py` watches, so that
the build knows what belongs into the first download whatever pages the app has.
"""

import asyncio
import codecs
import contextlib
import email.utils
import importlib
import sys
import time
import traceback
import uuid
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

ENCODINGS = ("ascii", "idna", "iso-8859-1", "latin-1", "utf-16", "utf-8-sig", "unicode-escape", "cp1252")
FORM = b"name=Ann&tea=green+tea&tea=m%C3%A4te"
MULTIPART = (
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n"
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n'
    b"\r\ncontent\r\n--x--\r\n"
)


async def page(request: Request) -> Response:
    response = HTMLResponse(str(request.url_for("form")), headers={"set-cookie": "a=b"})
    response.set_cookie("c", "d", max_age=60, expires=60)
    return response


async def form(request: Request) -> Response:
    async with request.form() as fields:
        return JSONResponse({"fields": len(fields), "cookies": request.cookies, "query": request.url.query})


def plain(_: Request) -> Response:
    return RedirectResponse("/", 303, background=BackgroundTask(time.time))


async def stream(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield b"%d" % number

    return StreamingResponse(parts())


async def file(_: Request) -> Response:
    return FileResponse(__file__)


async def refuse(_: Request) -> Response:
    raise HTTPException(404)


async def fail(_: Request) -> Response:
    raise ValueError("on purpose")


ROUTES = [Route(f"/{handler.__name__}", handler, methods=["GET", "POST"]) for handler in (page, form, plain)]
ROUTES += [Route(f"/{handler.__name__}", handler) for handler in (stream, file, refuse, fail)]


async def call(app: ASGIApp, path: str, kind: bytes = b"", body: bytes = b"") -> None:
    """Send one request and read the answer to its end."""
    headers = [(b"host", b"localhost"), (b"cookie", b"a=b"), (b"content-type", kind)]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST" if body else "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"q=1&r=%20",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 443),
    }
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(messages, None) or await asyncio.Event().wait()

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    try:
        await app(scope, receive, send)
    except Exception:
        traceback.format_exc()


async def exercise(app: ASGIApp) -> None:
    """Every kind of answer, what handlers do besides, and the way through the middleware of `app`."""
    await call(app, "/no/such/page")
    ours: ASGIApp = Starlette(routes=ROUTES)
    name = "starlette.middleware.base"
    if name in sys.modules:  # heavy, but the app has it, if only for some of its pages
        ours = importlib.import_module(name).BaseHTTPMiddleware(ours, lambda request, go_on: go_on(request))
    for route in ROUTES:
        await call(ours, route.path)
    await call(ours, "/form", b"application/x-www-form-urlencoded", FORM)
    await call(ours, "/form", b"multipart/form-data; boundary=x", MULTIPART)
    for name in ENCODINGS:
        with contextlib.suppress(LookupError):
            "example".encode(codecs.lookup(name).name)
    time.strptime("2026-01-31", "%Y-%m-%d")
    email.utils.format_datetime(email.utils.parsedate_to_datetime("Sat, 31 Jan 2026 10:00:00 GMT"))
    uuid.uuid4()
