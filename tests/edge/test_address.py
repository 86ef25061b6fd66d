"""The server that a Host header names, and where static files are."""

from __future__ import annotations

import pytest

from edge.hosts.address import server_of, static_address


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("shop.test", ("shop.test", None)),
        ("shop.test:8000", ("shop.test", 8000)),
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]", ("::1", None)),
        ("[::1]:8000", ("::1", 8000)),
        ("[2001:db8::7]:443", ("2001:db8::7", 443)),
        ("shop.test:", ("shop.test", None)),
        ("shop.test:x", ("shop.test", None)),
        ("", ("", None)),
    ],
)
def test_name_and_port(host: str, server: tuple[str, int | None]) -> None:
    assert server_of(host) == server


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/s/a b@c.png", "/_edge/1"),
        ("/s/a%20b%40c.png", "/_edge/1"),
        ("/s/100%.png", "/_edge/2"),
        ("/s/100%25.png", "/_edge/2"),
        ("/s/x%20y.png", "/_edge/3"),
        ("/s/x%2520y.png", "/_edge/3"),
        ("/s/x y.png", "/s/x y.png"),
    ],
)
def test_a_static_file_by_either_spelling(path: str, address: str) -> None:
    """Case P22."""
    files = {"/s/a b@c.png": "/_edge/1", "/s/100%.png": "/_edge/2", "/s/x%20y.png": "/_edge/3"}
    assert static_address(files, path) == address
