"""The last station of every answer: security headers, the kit's own, page script, redirects for workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from starlette.types import Send

from . import cross_origin, page_script, security_headers
from .caching import controls, is_shareable
from .cookies import has_refresh
from .errors import NeedsEdge, Problem
from .host import Host
from .intake import TIME_HEADER
from .problem_response import render, wants_page
from .visitor import CLIENT_HEADER, Headers

RENAMED = {b"location": b"edgekit-location"}
# What is said of the redirect is not said of the 200 in its place.
OF_CACHES = {b"expires", b"pragma", b"age", b"etag", b"last-modified"}
NO_STORE = (b"cache-control", b"private, no-store")
logger = logging.getLogger("edgekit")
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Responder:
    """Writes one response. `started` tells whether the client has been sent anything; `fields` are headers
    that go onto it unless it has its own or caches may share it. `made_for` names the user for whom a page
    is made: browser/page-user.js replaces it when somebody else is signed in."""

    def __init__(self, scope: dict[str, Any], send: Send, host: Host, *, script: bool = True) -> None:
        self._scope = scope
        self._send = send
        self._host = host
        self._since = host.timer()
        self._script = script
        self._append = b""
        self.started = False
        self.fields: Headers = []
        self.made_for: Callable[[], str] | None = None

    async def begin(self, status: int, headers: Headers, body: bytes, *, more: bool = False) -> None:
        """Send the head and the first (with `more=False`: the only) part of the body."""
        if self._script:
            headers, body = self._scripted(status, headers, body, more=more)
        status, headers = self._for_service_worker(status, headers)
        await self.forward({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _scripted(self, status: int, headers: Headers, body: bytes, *, more: bool) -> tuple[Headers, bytes]:
        """The page script where it belongs, and headers that are true of the result."""
        abroad = cross_origin.is_reader(self._scope, self._host.sites)
        navigates = page_script.is_navigation(self._scope["headers"], abroad=abroad)
        if navigates and self._host.development and page_script.is_sealed(headers, status):
            logger.warning(
                "%r is coded by the app: no script can be added, so it stays with edges", self._scope["path"]
            )
        if navigates and status == 304:  # of the page that has the script
            return page_script.varied(page_script.of_scripted(headers)), body
        if not page_script.is_page(headers, status):
            return headers, body
        headers = page_script.varied(headers)
        if not navigates:
            return headers, body
        headers = page_script.of_scripted(headers)
        if more:
            self._append = page_script.tags(development=self._host.development)
            return [pair for pair in headers if pair[0] != b"content-length"], body
        body = page_script.insert(body, development=self._host.development) if body else body
        length = str(len(body)).encode()
        return [(n, length if n == b"content-length" and body else v) for n, v in headers], body

    async def forward(self, message: Any) -> None:
        """An ASGI `send` that adds nothing but the security headers, who answered and after how long."""
        if message["type"] == "http.response.start":
            self.started = True
            spent = (self._host.timer() - self._since) * 1000
            timing = f'edgekit;desc="{self._host.name}";dur={spent:.2f}'
            private = not is_shareable(message["headers"])
            if private and self.made_for is not None:
                timing += f', edgekit-user;desc="{self.made_for()}"'
            own = [(b"edgekit-host", self._host.name.encode()), (b"server-timing", timing.encode())]
            headers = [*(_not_in(message["headers"], self.fields) if private else ()), *message["headers"]]
            headers += security_headers.missing(headers, self._scope["scheme"], message["status"])
            headers += cross_origin.fields(self._scope, headers, self._host.sites)
            message = {**message, "headers": [*headers, *own]}
        await self._send(message)

    async def part(self, body: bytes, *, more: bool) -> None:
        """Send a further part of a body that was begun with `more=True`."""
        if not more and self._append:
            body += self._append
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def problem(self, problem: Problem) -> None:
        """Answer with a problem document, or let the next host answer if this one lacks something."""
        if isinstance(problem, NeedsEdge) and self._host.name == "browser":
            self.started = True
            await self._send({"type": "edgekit.escalate", "reason": problem.detail})
            return
        self.fields += problem.fields
        await self.begin(*self.rendered(problem))

    def rendered(self, problem: Problem) -> tuple[int, Headers, bytes]:
        """(status, headers, body) for whoever has sent this request."""
        headers, method = self._scope["headers"], self._scope["method"]
        # What an outbox sends was answered before: the worker reads a code, and shows people what was said.
        sent_later = any(name == TIME_HEADER for name, _ in headers)
        return render(
            problem,
            page=wants_page(headers) and not sent_later,
            people=sent_later,
            method=method,
            signed_in=has_refresh(self._scope),
            development=self._host.development,
        )

    def _for_service_worker(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """A service worker may not read the headers of a redirect, so it gets them on a 200.

        Which is for it alone: a cache in front that gave it to others would give them an empty page
        (RFC 9111 section 4.1).
        """
        if status not in REDIRECTS or self._host.name == "browser":
            return status, headers
        if not any(name == CLIENT_HEADER for name, _ in self._scope["headers"]):
            return status, [*headers, (b"vary", CLIENT_HEADER)] if is_shareable(headers) else headers
        renamed = [
            (RENAMED.get(name, name), value)
            for name, value in headers
            if not (name in OF_CACHES or controls(name))
        ]
        return 200, [*renamed, (b"edgekit-status", str(status).encode()), NO_STORE]


def _not_in(headers: Headers, fields: Headers) -> Headers:
    """`fields` but for those that `headers` or a later field replaces: an answer sets a cookie once only
    (RFC 6265 section 4.1.1)."""
    said = {_subject(pair) for pair in headers}
    kept: Headers = []
    for pair in reversed(fields):
        if _subject(pair) not in said:
            said.add(_subject(pair))
            kept.insert(0, pair)
    return kept


def _subject(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """What a header is about: its name, and for a cookie that one's name."""
    name, value = pair
    return name, value.partition(b"=")[0] if name == b"set-cookie" else b""
