"""Messages off a stream: framed in every way that HTTP/1.1 knows, and broken in most."""

from __future__ import annotations

import asyncio

import pytest

from edge.verify.http1 import Broken, Message, read, request


def parsed(data: bytes, *, answers: str = "") -> Message | None:
    async def go() -> Message | None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read(reader, answers=answers)

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("head", "rest", "body"),
    [
        (b"content-length: 3", b"abc", b"abc"),
        (b"Transfer-Encoding: chunked", b"2;x=1\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n", b"abc"),
        (b"x: y", b"until the end", b"until the end"),
    ],
)
def test_bodies_of_answers_end_where_they_say(head, rest, body):
    message = parsed(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + rest, answers="GET")
    assert message is not None
    assert (message.status, message.body) == (200, body)
    assert [name for name, _ in message.fields if name != b"x"] == []


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_some_answers_have_no_body_whatever_they_say(status, method):
    message = parsed(b"HTTP/1.1 %d -\r\ncontent-length: 9\r\n\r\n" % status, answers=method)
    assert message is not None
    assert message.body == b""


def test_what_was_written_is_read_again():
    sent = request("POST", "/a?b", [("Host", "x"), ("set-cookie", "1"), ("set-cookie", "2")], b"body")
    assert parsed(sent.encode()) == sent
    assert (sent.method, sent.target, sent.get("host"), sent.get("absent")) == ("POST", "/a?b", "x", "")
    assert sent.without("set-cookie").fields == ((b"host", b"x"),)


def test_a_request_without_a_length_has_no_body():
    assert parsed(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n") == Message(b"GET / HTTP/1.1", ((b"host", b"x"),))


def test_nothing_at_all_is_no_message():
    assert parsed(b"") is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncont",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\na",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 100_000,
    ],
)
def test_what_is_cut_off_or_garbled_is_broken(data):
    with pytest.raises(Broken):
        parsed(data, answers="GET")
