"""What one connection may cost, before there is a request (case T7). The clock is the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from edge.errors import Problem
from edge.server.protocol import AHEAD, LINGER, PIECE, BoundedProtocol, Limits, bounded

LIMITS = Limits()
HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\n"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time a test moves."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def settle(self) -> None:
        """Let everything happen that can."""
        for _ in range(20):
            self.run_until_complete(asyncio.sleep(0))


class Wire(asyncio.Transport):
    """The server's end of a connection whose client reads everything, unless `unread` says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unread = 0
        self.closing = self.aborted = self.ended = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.ended
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Server:
    """Connections to one server. Its app answers once it has read the body, if `reads`."""

    def __init__(self, loop: Loop, limits: Limits = LIMITS) -> None:
        self.loop = loop
        self.scopes: list[Any] = []
        self.heard: list[Any] = []
        self.reads = True
        self.holds = asyncio.Event()
        self.holds.set()

        def render(problem: Problem) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
            more = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
            return problem.status, [(b"x-code", problem.code.encode()), *more], problem.encode()

        self._config = uvicorn.Config(
            self._app, http=bounded(limits, render), interface="asgi3", proxy_headers=False, log_config=None
        )
        self._config.load()
        self._state = ServerState()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        while self.reads:
            self.heard.append(message := await receive())
            if message["type"] != "http.request":
                return
            if not message["more_body"]:
                break
        await self.holds.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def connect(self) -> tuple[BoundedProtocol, Wire]:
        made: Any = self._config.http_protocol_class
        protocol: BoundedProtocol = made(
            config=self._config, server_state=self._state, app_state={}, _loop=self.loop
        )
        wire = Wire()
        protocol.connection_made(wire)
        return protocol, wire

    def pass_time(self, seconds: float) -> None:
        """In steps, as timers would see it."""
        for _ in range(round(seconds)):
            self.loop.now += 1
            self.loop.settle()


@pytest.fixture
def server() -> Iterator[Server]:
    loop = Loop()
    asyncio.set_event_loop(loop)
    yield Server(loop)
    loop.settle()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.settle()
    asyncio.set_event_loop(None)
    loop.close()


def code(wire: Wire) -> str:
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return str(problem["code"])


def feed(protocol: BoundedProtocol, wire: Wire, data: bytes, times: int) -> int:
    """Send `data` again and again until the server has enough; the number of bytes that it took."""
    for count in range(times):
        if wire.ended or wire.closing:
            return count * len(data)
        protocol.data_received(data)
    return times * len(data)


def test_an_ordinary_request_is_answered(server: Server) -> None:
    protocol, wire = server.connect()
    for byte in HEAD + b"cookie: " + b"c" * 16_000 + b"\r\n\r\n":
        protocol.data_received(bytes([byte]))
    server.loop.settle()
    assert wire.sent.endswith(b"\r\n\r\nok")
    assert not wire.closing


# The head


def test_headers_are_counted_while_they_arrive(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD)
    took = feed(protocol, wire, b"a: b\r\n" * 1000, 2000)
    assert code(wire) == "headers-too-large"
    assert took <= 12_000
    assert len(protocol.headers) <= LIMITS.fields
    assert server.scopes == []


@pytest.mark.parametrize("start", [b"x: ", b"x", b"cookie: a=b\r\n ", b"x: y\r\nx-long: "])
def test_a_header_without_end_is_counted_too(server: Server, start: bytes) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD + start)
    took = feed(protocol, wire, b"x" * 1024, 20_000)
    assert code(wire) == (
        "malformed-request" if start.endswith(b" ") and b"\r\n " in start else "headers-too-large"
    )
    assert took <= LIMITS.head + PIECE


@pytest.mark.parametrize("start", [b"GET /", b"GET /?", b"GET http://a/"])
def test_a_target_without_end_is_counted_too(server: Server, start: bytes) -> None:
    protocol, wire = server.connect()
    protocol.data_received(start)
    took = feed(protocol, wire, b"x" * 1024, 20_000)
    assert code(wire) == "headers-too-large"
    assert took <= LIMITS.head + PIECE


def test_all_at_once_is_as_bad_as_bit_by_bit(server: Server) -> None:
    for data in (HEAD + b"a: b\r\n" * 300 + b"\r\n", HEAD + b"x: " + b"y" * 100_000 + b"\r\n\r\n"):
        protocol, wire = server.connect()
        protocol.data_received(data)
        assert code(wire) == "headers-too-large"
    assert server.scopes == []


def test_a_head_has_a_deadline_whatever_comes(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD)
    for _ in range(10):
        server.pass_time(1)
        assert wire.sent == b""
        protocol.data_received(b"a")
    server.pass_time(1)
    assert code(wire) == "request-timeout"
    server.pass_time(LINGER + 1)
    assert wire.aborted


@pytest.mark.parametrize("said", [b"", b"\r\n"])
def test_who_asks_for_nothing_is_sent_away(server: Server, said: bytes) -> None:
    protocol, wire = server.connect()
    for _ in range(10):
        protocol.data_received(said)
        server.pass_time(1)
        assert not wire.closing
    server.pass_time(1)
    assert (wire.closing, wire.sent) == (True, b"")


def test_a_connection_that_is_kept_ends_when_it_is_idle(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD + b"\r\n")
    server.loop.settle()
    protocol.data_received(b"\r\n")  # uvicorn takes that for the next request
    server.pass_time(LIMITS.idle_time)
    assert not wire.closing
    server.pass_time(1)
    assert wire.closing


def test_what_comes_after_a_refusal_is_not_kept(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(b"no http\r\n\r\n")
    assert code(wire) == "malformed-request"
    said = wire.sent
    protocol.data_received(HEAD + b"\r\n")
    server.loop.settle()
    assert (wire.sent, server.scopes) == (said, [])


# The body


def test_a_body_that_stops_ends_the_request(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(POST + b"content-length: 9\r\n\r\nabc")
    server.pass_time(20)
    protocol.data_received(b"d")
    server.pass_time(LIMITS.body_pause)
    assert wire.sent == b""
    server.pass_time(1)
    assert code(wire) == "request-timeout"
    assert server.heard[-1] == {"type": "http.disconnect"}


def test_an_app_may_take_its_time_with_a_body(server: Server) -> None:
    server.reads = False
    server.holds.clear()
    protocol, wire = server.connect()
    protocol.data_received(POST + b"content-length: 900000\r\n\r\n" + b"x" * 100_000)
    assert not wire.reading
    server.pass_time(10 * LIMITS.body_pause)
    assert (wire.sent, wire.closing) == (b"", False)


def test_a_client_that_waits_to_be_asked_for_its_body_may(server: Server) -> None:
    server.reads = False
    server.holds.clear()
    protocol, wire = server.connect()
    protocol.data_received(POST + b"content-length: 9\r\nexpect: 100-continue\r\n\r\n")
    server.pass_time(2 * LIMITS.body_pause)
    assert (wire.sent, wire.closing) == (b"", False)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"3\r\nabc\r\n0\r\n", b"a: b\r\n" * 500),
        (b"3\r\nabc\r\n0\r\nx: ", b"y" * 4096),
        (b"3;", b"x" * 4096),
    ],
    ids=["trailers", "a trailer without end", "an extension without end"],
)
def test_what_surrounds_a_body_has_an_end_too(server: Server, start: bytes, more: bytes) -> None:
    protocol, wire = server.connect()
    protocol.data_received(POST + b"transfer-encoding: chunked\r\n\r\n" + start)
    took = feed(protocol, wire, more, 5000)
    assert code(wire) in ("malformed-request", "headers-too-large")
    assert took <= LIMITS.head + 2 * PIECE


def test_trailers_do_not_become_headers(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(
        POST + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ncookie: a=b\r\nhost: evil\r\n\r\n"
    )
    server.loop.settle()
    assert wire.sent.endswith(b"ok")
    assert [name for name, _ in server.scopes[0]["headers"]] == [b"host", b"transfer-encoding"]


# The answer


def test_a_client_that_does_not_read_is_left(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD + b"\r\n")
    server.loop.settle()
    wire.unread = 70_000
    for size in (60_000, 50_000):  # it reads, if slowly
        server.pass_time(LIMITS.unread_time)
        wire.unread = size
    server.pass_time(LIMITS.unread_time + 2)
    assert wire.aborted


def test_a_closing_connection_that_nobody_reads_ends_too(server: Server) -> None:
    protocol, wire = server.connect()
    protocol.data_received(HEAD + b"connection: close\r\n\r\n")
    server.loop.settle()
    wire.unread = 500
    assert (wire.closing, wire.aborted) == (True, False)
    server.pass_time(LIMITS.unread_time + 3)
    assert wire.aborted


def test_no_refusal_in_the_middle_of_an_answer(server: Server) -> None:
    server.holds.clear()
    protocol, wire = server.connect()
    protocol.data_received(HEAD + b"\r\n" + HEAD + b"a: b\r\n" * 300)
    assert (wire.sent, wire.aborted) == (b"", True)


def test_a_slow_answer_is_not_cut_short_by_the_next_head(server: Server) -> None:
    server.holds.clear()
    protocol, wire = server.connect()
    protocol.data_received(HEAD + b"\r\n" + b"GET /next")
    server.pass_time(5 * LIMITS.head_time)
    assert not wire.closing
    server.holds.set()
    server.loop.settle()
    assert wire.sent.endswith(b"ok")


# Several


def test_requests_ahead_of_their_answers_are_counted(server: Server) -> None:
    server.holds.clear()
    protocol, wire = server.connect()
    protocol.data_received((HEAD + b"\r\n") * (AHEAD + 1))
    assert not wire.aborted
    protocol.data_received((HEAD + b"\r\n") * 10_000)
    assert wire.aborted
    assert len(protocol.pipeline) <= AHEAD


def test_connections_are_counted(server: Server) -> None:
    crowd = Server(server.loop, Limits(connections=2))
    first, _ = crowd.connect()
    crowd.connect()
    third, wire = crowd.connect()
    assert code(wire) == "overloaded"
    assert b"retry-after: " in wire.sent
    third.data_received(HEAD + b"\r\n")
    server.loop.settle()
    assert crowd.scopes == []
    for one in (first, third):
        one.connection_lost(None)
    protocol, wire = crowd.connect()
    protocol.data_received(HEAD + b"\r\n")
    server.loop.settle()
    assert wire.sent.endswith(b"ok")


# Whom a target is for (RFC 9112 section 3.2.2)


@pytest.mark.parametrize(
    ("target", "host", "path", "query"),
    [
        (b"http://evil.example/x?y=1", b"evil.example", "/x", b"y=1"),
        (b"https://tea.example:8443", b"tea.example:8443", "/", b""),
        (b"http://[::1]:80/x", b"[::1]:80", "/x", b""),
        (b"//evil.example/x", b"a", "//evil.example/x", b""),
    ],
)
def test_an_absolute_target_says_for_whom_it_is(
    server: Server, target: bytes, host: bytes, path: str, query: bytes
) -> None:
    protocol, _ = server.connect()
    protocol.data_received(b"GET %s HTTP/1.1\r\nhost: a\r\n\r\n" % target)
    server.loop.settle()
    (scope,) = server.scopes
    assert (dict(scope["headers"])[b"host"], scope["path"], scope["query_string"]) == (host, path, query)


@pytest.mark.parametrize("target", [b"ftp://a/", b"http://u@a/", b"http:///x", b"x"])
def test_other_targets_are_refused(server: Server, target: bytes) -> None:
    protocol, wire = server.connect()
    protocol.data_received(b"GET %s HTTP/1.1\r\nhost: a\r\n\r\n" % target)
    assert code(wire) == "malformed-request"
