"""HTTP/1.1 with bounds that hold while a request is still arriving.

uvicorn and httptools read whatever comes: the headers of one request may take all memory, and a request that
never ends keeps its connection for good. What is bounded here, per connection:

- bytes of a request line and headers, and their number (431), counted while they are parsed;
- seconds until a head is complete, whatever arrives meanwhile (408), and between two parts of a body (408);
- seconds without a request, and seconds in which a client takes nothing of what is sent to it;
- requests that are sent ahead of their answers;
- and connections altogether (503).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import Problem

Headers = list[tuple[bytes, bytes]]
Render = Callable[[Problem], tuple[int, Headers, bytes]]

PIECE = 16_384  # bytes that are parsed at a time: what is over a limit is noticed after as many
TICK = 1.0  # seconds between two looks at a connection
LINGER = (
    2.0  # seconds in which a client that was refused may still send: closing at once could lose the answer
)
AHEAD = 32  # requests that may wait for the answer to an earlier one (RFC 9112 section 9.3.2)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may cost; sizes in bytes, times in seconds."""

    head: int = 65_536
    fields: int = 256
    head_time: float = 10.0
    body_pause: float = 30.0
    idle_time: float = 75.0
    unread_time: float = 60.0
    connections: int = 1000


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bounded()` makes the class that a server takes."""

    limits: ClassVar[Limits] = Limits()

    def render(self, problem: Problem) -> tuple[int, Headers, bytes]:
        """Status, headers and body of the answer to what is refused."""
        raise NotImplementedError

    # Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._refusal: Problem | None = None
        self._ended = False  # nothing that comes from now on is read
        self._in_head = self._in_body = False
        self._head = self._fields = 0  # bytes and lines of the present one
        self._unread = 0  # bytes since the last ones of a body that were none themselves
        self._unsent = 0  # bytes at the last look
        self._since = self._moved = self._taken = self.loop.time()
        self._requested = False  # whether there was a request on this connection
        self._watch: asyncio.TimerHandle | None = None
        if len(self.connections) > self.limits.connections:
            self._refuse(Problem("overloaded", headers={"retry-after": "5"}))
        self._watch = self.loop.call_later(TICK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._unwatch()  # the protocol of WebSockets has pings of its own
        super().handle_websocket_upgrade()

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    # Bytes

    def data_received(self, data: bytes) -> None:
        self._moved = self.loop.time()
        if self._ended:
            return
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE] if len(data) > PIECE else data
            self._unread += len(piece)
            super().data_received(piece)
            if self._ended:
                return
            if self._in_head:
                self._head += len(piece)
            if self._head > self.limits.head:
                self._refuse(self._too_large())
            elif self._in_body and self._unread > self.limits.head:
                self._refuse(Problem("malformed-request"))  # no end of a chunk's size, or of what follows

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._requested, self._since = True, True, self.loop.time()
        self._head = self._fields = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.head:
            raise self._stop(self._too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > self.limits.fields:
            raise self._stop(Problem("headers-too-large", f"at most {self.limits.fields} headers"))
        if self._in_head:  # what comes after a body is not part of the head (RFC 9110 section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body, self._unread = False, True, 0
        if len(self.pipeline) >= AHEAD:
            raise self._stop(Problem("overloaded"))
        self._name_authority()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    def _name_authority(self) -> None:
        """A target in absolute form says for whom it is, whatever Host says (RFC 9112 section 3.2.2)."""
        if self.url.startswith((b"/", b"*")) or self.parser.get_method() == b"CONNECT":
            return
        target = httptools.parse_url(self.url)
        if target.schema.lower() not in (b"http", b"https") or target.userinfo is not None:
            raise self._stop(Problem("malformed-request"))
        host = b"[%s]" % target.host if b":" in target.host else target.host
        authority = host if target.port is None else b"%s:%d" % (host, target.port)
        self.headers[:] = [(n, authority if n == b"host" else v) for n, v in self.headers]
        query = b"" if target.query is None else b"?" + target.query
        # Without a path OPTIONS asks about the server: RFC 9112 section 3.2.4.
        bare = b"*" if self.parser.get_method() == b"OPTIONS" and not query else b"/"
        self.url = (target.path or bare) + query

    # Refusals

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the problem has its own words
        self._refuse(self._refusal or Problem("malformed-request"))

    def _stop(self, problem: Problem) -> Problem:
        """Raised within a callback, it ends the parsing; uvicorn then calls `send_400_response`."""
        self._refusal = problem
        return problem

    def _too_large(self) -> Problem:
        return Problem("headers-too-large", f"at most {self.limits.head} bytes with the request line")

    def _refuse(self, problem: Problem) -> None:
        """Answer instead of the app, and end the connection."""
        cycle = self.cycle
        working = cycle is not None and not cycle.response_complete
        own = working and self._in_body and not self.pipeline  # what is refused is what the app works on
        self._ended = True
        if working and (not own or cycle.response_started):
            self.transport.abort()  # an answer in the middle of another would be taken for a part of it
            return
        if working:
            cycle.disconnected = True
            cycle.message_event.set()
        status, headers, body = self.render(problem)
        fields = [*self.server_state.default_headers, *headers, (b"connection", b"close")]
        head = b"".join(b"%s: %s\r\n" % pair for pair in fields)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[status], head, body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._since = self.loop.time()

    # Time

    def _look(self) -> None:
        """Whether this connection is still worth its place; looks again as long as it is."""
        self._watch = None
        if self.transport.is_closing() and self.transport.get_write_buffer_size() == 0:
            return
        now = self.loop.time()
        if self._is_stuck(now) or (self._ended and now - self._since > LINGER):
            self.transport.abort()
            return
        if not self._ended:
            self._judge(now)
        self._watch = self.loop.call_later(TICK, self._look)

    def _is_stuck(self, now: float) -> bool:
        """Whether there is something to send that the client does not take."""
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if unsent == 0 or unsent < before or before == 0:
            self._taken = now
            return False
        return now - self._taken > self.limits.unread_time

    def _judge(self, now: float) -> None:
        working = self.cycle is not None and not self.cycle.response_complete
        if self._in_body and not self.cycle.waiting_for_100_continue:
            # What the app does not want to read yet is not the client's fault.
            if not self.flow.read_paused and now - self._moved > self.limits.body_pause:
                self._refuse(Problem("request-timeout", f"nothing came for {self.limits.body_pause:g} s"))
        elif working:
            return
        elif self._in_head:
            if now - self._since > self.limits.head_time:
                self._refuse(Problem("request-timeout", f"its head took over {self.limits.head_time:g} s"))
        elif now - self._since > (self.limits.idle_time if self._requested else self.limits.head_time):
            self._ended = True
            self.transport.close()


def bounded(limits: Limits, render: Render) -> type[BoundedProtocol]:
    """The protocol class with these limits; `render` makes the answer to what is refused."""
    made = limits, render

    class Protocol(BoundedProtocol):
        limits: ClassVar[Limits] = made[0]

        def render(self, problem: Problem) -> tuple[int, Headers, bytes]:
            return made[1](problem)

    return Protocol
