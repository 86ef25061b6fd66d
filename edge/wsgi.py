"""WSGI apps (PEP 3333: Flask, Bottle, Django) as ASGI apps, on hosts with and without threads.

The usual adapters run the app in a thread and wait for it there, and Pyodide has none. Here the app runs in a
thread where the host has some, and at once where not.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable, Generator, Iterable
from functools import partial
from io import BytesIO
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from . import hidden
from .context import SCOPE_KEY

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_OWN_NAMES = {"CONTENT_TYPE", "CONTENT_LENGTH"}  # the other headers begin with HTTP_


class WSGI:
    """An ASGI app around a WSGI app: `Stateless(WSGI(flask_app), anywhere=["/"])`.

    `environ["edgekit.context"]` is what `context(request)` gives elsewhere; what of it is awaited is out of a
    WSGI app's reach. The body is read before the app is called (`max_body` bounds it); answers are streamed.
    Raises NotImplementedError for WebSockets and lifespans, which WSGI does not know.
    """

    def __init__(self, app: WSGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"WSGI knows no {scope['type']}")
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        messages = _messages(self._app, environ(scope, body))
        context = contextvars.copy_context()  # one for all steps: apps keep the request in it
        step: Callable[[], Any] = partial(context.run, next, messages, None)
        try:
            while message := await run_in_threadpool(step):
                await send(message)
        finally:
            await run_in_threadpool(context.run, messages.close)


def environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """The environment of PEP 3333 for a request with this body."""
    server, port = scope.get("server") or ("localhost", 80)
    root = scope.get("root_path", "")
    found = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _as_latin(root),
        "PATH_INFO": _as_latin(scope["path"].removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "edgekit.context": scope.get(SCOPE_KEY),
    }
    for name, value in scope["headers"]:
        if isinstance(name, hidden.Name):
            continue
        variable = name.decode("latin-1").upper().replace("-", "_")
        variable = variable if variable in _OWN_NAMES else f"HTTP_{variable}"
        text = value.decode("latin-1")
        if variable in found:  # RFC 9110 section 5.3, RFC 6265 section 5.4
            text = ("; " if variable == "HTTP_COOKIE" else ", ").join((found[variable], text))
        found[variable] = text
    client = scope.get("client")
    if isinstance(client, hidden.Client):
        return hidden.variables(client.request) | found
    return found | ({"REMOTE_ADDR": client[0], "REMOTE_PORT": str(client[1])} if client else {})


def _messages(app: WSGIApp, variables: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    """What a WSGI app answers, as ASGI messages. Raises what the app raises."""
    head: dict[str, Any] = {}
    early: list[bytes] = []  # what was given to write()
    sent = False

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if exc_info and sent:
            raise exc_info[1].with_traceback(exc_info[2])
        if head and not exc_info:
            raise AssertionError("start_response() was called twice")
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        head.update(type="http.response.start", status=int(status[:3]), headers=pairs)
        return early.append

    parts = app(variables, start_response)
    try:
        for part in parts:
            early.append(part)
            body = b"".join(early)
            early.clear()
            if body and not sent:  # not before there is something: the app may still change its mind
                sent = True
                yield head
            if body:
                yield {"type": "http.response.body", "body": body, "more_body": True}
        if not sent:
            sent = True
            yield head
        yield {"type": "http.response.body", "body": b"".join(early), "more_body": False}
    finally:
        if close := getattr(parts, "close", None):
            close()


def _as_latin(text: str) -> str:
    """Bytes as WSGI has them in text."""
    return text.encode().decode("latin-1")
