"""Cases H5, P33: the same bytes on a connection are the same request to an app, on CPython and on Node.js."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

CLOSE = b"Host: localhost\r\nConnection: close\r\n"
HELLO = b"Content-Length: 5\r\n\r\nhello"


def line(target: bytes, method: bytes = b"GET", more: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"%s %s HTTP/%s\r\n%s%s\r\n" % (method, target, version, CLOSE, more)


TARGETS = {
    "escapes": line(b"/a%2Fb/%C3%A9?x=1&y=%20"),
    "escape that is none": line(b"/a%zz%2"),
    "escape that is no UTF-8": line(b"/%ff"),
    "absolute": line(b"http://localhost/a/b?q=1"),
    "absolute, no path": line(b"http://localhost"),
    "absolute, no path but a query": line(b"http://localhost?q=1"),
    "absolute, upper case": line(b"HTTP://LOCALHOST/a"),
    "absolute, https and a port": line(b"https://localhost:8443/x"),
    "absolute, IPv6": line(b"http://[::1]:80/x"),
    "absolute, another host": line(b"http://evil.example/a"),
    "absolute, a name before the host": line(b"http://a:b@localhost/a"),
    "absolute, another scheme": line(b"ftp://localhost/a"),
    "OPTIONS *": line(b"*", b"OPTIONS"),
    "OPTIONS, absolute": line(b"http://localhost", b"OPTIONS"),
    "authority": line(b"localhost:80", b"CONNECT"),
    "dots": line(b"/a/../b/./c"),
    "escaped dots": line(b"/a/%2e%2E/c"),
    "dots in a query": line(b"/a?x=/../y"),
    "two slashes": line(b"//evil.example/x"),
    "backslash": line(b"/a\\b"),
    "quotes and other marks": line(b"/a'b\"c<d>^`{|}"),
    "marks in a query": line(b"/?a='b\"c<d>^`{|}\\"),
    "fragment": line(b"/a#b?c"),
    "fragment after a query": line(b"/a?b?c#d"),
    "empty query": line(b"/a?"),
    "no slash": line(b"a/b"),
    "space": line(b"/a b"),
    "raw UTF-8": line("/é".encode()),
}
HEADERS = {
    "repeated": line(b"/", more=b"X-A: 1\r\nx-a: 2\r\nX-B: 3\r\nX-A: 4\r\n"),
    "repeated cookies": line(b"/", more=b"Cookie: a=1\r\nCookie: b=2\r\n"),
    "repeated single ones": line(
        b"/", more=b"Referer: a\r\nReferer: b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n"
    ),
    "values": line(b"/", more=b"X-A:   a  b\r\nX-E:\r\nX-L: \xe9\xc3\xa9\r\n"),
    "folded": line(b"/", more=b"X-A: 1\r\n  2\r\n"),
    "forwarded": line(b"/", more=b"X-Forwarded-Proto: https\r\nForwarded: proto=https\r\n"),
    "two hosts": line(b"/", more=b"Host: localhost\r\n"),
    "upgrade to HTTP/2": line(b"/", more=b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
    "expectation that nobody knows": line(b"/", b"POST", b"Expect: tea\r\n" + HELLO),
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
}
BODIES = {
    "GET": b"GET / HTTP/1.1\r\n" + CLOSE + HELLO,
    "HEAD": b"HEAD / HTTP/1.1\r\n" + CLOSE + HELLO,
    "POST": b"POST / HTTP/1.1\r\n" + CLOSE + HELLO,
    "DELETE": b"DELETE / HTTP/1.1\r\n" + CLOSE + HELLO,
    "OPTIONS": b"OPTIONS / HTTP/1.1\r\n" + CLOSE + HELLO,
    "none": line(b"/", b"POST"),
    "in chunks": line(b"/", b"PUT", b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
    "GET in chunks": line(b"/", more=b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
    "with a trailer": line(b"/", b"POST", b"Transfer-Encoding: chunked\r\n")
    + b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    "large": b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 900000\r\n\r\n" + b"a" * 900_000,
    "length and chunks": line(b"/", b"POST", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
    + b"5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
}
OTHERS = {
    "HTTP/1.0": b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n",
    "HTTP/1.0 without a host": b"GET /x HTTP/1.0\r\n\r\n",
    "HTTP/1.2": line(b"/", version=b"1.2"),
    "TRACE": line(b"/", b"TRACE"),
    "PROPFIND": line(b"/", b"PROPFIND"),
    "a method that nobody knows": line(b"/", b"BREW"),
    "lower case": line(b"/", b"get"),
    "empty lines first": b"\r\n\r\n" + line(b"/"),
    "no carriage returns": b"GET / HTTP/1.1\nHost: localhost\nConnection: close\n\n",
}
CASES = {
    f"{group}: {name}": sent
    for group, cases in (("target", TARGETS), ("headers", HEADERS), ("body", BODIES), ("other", OTHERS))
    for name, sent in cases.items()
}


def answer(url: str, sent: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the answer to these bytes; what is different by nature is left out."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    said = json.loads(body) if body else {}
    return int(head.split()[1]), said


@pytest.mark.parametrize("name", CASES)
def test_an_app_sees_the_same_on_both(scope_urls: tuple[str, str], name: str) -> None:
    (status, seen), other = (answer(url, CASES[name]) for url in scope_urls)
    assert other == (status, seen)
    assert status == 200 or seen["code"], "neither an answer nor a reason"


def test_what_is_compared_is_what_was_sent(scope_urls: tuple[str, str]) -> None:
    for url in scope_urls:
        status, seen = answer(url, CASES["headers: repeated"])
        assert [value for name, value in seen["headers"] if name == "x-a"] == ["1", "2", "4"]
        assert (status, seen["client"]) == (200, ["127.0.0.1", True])
        assert answer(url, CASES["other: HTTP/1.0"])[1]["http_version"] == "1.0"
        assert answer(url, CASES["target: absolute"])[1]["path"] == "/a/b"
        assert answer(url, CASES["target: absolute, another host"])[0] == 421
        assert answer(url, CASES["target: OPTIONS *"])[1]["path"] == "*"
        assert answer(url, CASES["body: GET"])[1]["body"][0] == 5
        assert answer(url, CASES["body: large"])[1]["body"][0] == 900_000
        assert [
            value for name, value in answer(url, CASES["body: with a trailer"])[1]["headers"] if name == "x-t"
        ] == []


def test_what_a_websocket_asks_of_an_edge_on_node_is_a_plain_request(scope_urls: tuple[str, str]) -> None:
    """A server may ignore Upgrade (RFC 9110 section 7.8); docs/concepts.md says that this one does."""
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    sent = b"GET /ws HTTP/1.1\r\nHost: localhost\r\n" + upgrade + key + b"\r\n"
    assert answer(scope_urls[1], sent)[1]["path"] == "/ws"
