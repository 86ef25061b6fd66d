"""The server that a Host header names."""

from __future__ import annotations

import pytest

from edge.hosts.address import server_of


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
