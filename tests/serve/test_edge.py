"""`edgekit edge` as a process: it begins only with good settings, and ends without losing a request."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

APP = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from edge import Stateless

async def show(request):
    return PlainTextResponse(f"{request.url} {request.client.host}")

async def slow(request):
    print("begun", flush=True)
    await asyncio.sleep(1)
    return PlainTextResponse("done")

app = Stateless(Starlette(routes=[Route("/", show), Route("/slow", slow)]))
"""
EDGEKIT = str(Path(sys.executable).with_name("edgekit"))


class Edge:
    """A running edge: its port, and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        assert self.line.startswith("ready http://127.0.0.1:"), (
            self.line,
            process.stderr and process.stderr.read(),
        )
        self.port = int(self.line.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def get(self, target: str = "/", *headers: str, host: str = "127.0.0.1") -> str:
        with self.connect() as connection:
            lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "Connection: close", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start("--port", "0", EDGEKIT_…="value")`: the command, over the app of this file."""
    (tmp_path / "tearoom.py").write_text(APP)
    keys = tmp_path / "edge-private.json"
    subprocess.run([EDGEKIT, "keys", "init", "--keys", str(keys)], check=True, capture_output=True)
    started = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("EDGEKIT_")}
        started.append(
            subprocess.Popen(
                [EDGEKIT, "edge", "tearoom:app", "--app-dir", str(tmp_path), "--port", "0", *options],
                env={**ours, "EDGEKIT_KEYS": str(keys), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("options", "environment", "sentence"),
    [
        ([], {"EDGEKIT_KEYS": "/nowhere"}, "EDGEKIT_KEYS: /nowhere is not a usable set of keys"),
        ([], {"EDGEKIT_RELEASE": "/nowhere"}, "EDGEKIT_RELEASE: /nowhere holds no release"),
        ([], {"EDGEKIT_ADDRESS": "tea"}, "EDGEKIT_ADDRESS: 'tea' is not an origin"),
        (["--address", "tea"], {}, "EDGEKIT_ADDRESS: 'tea' is not an origin"),
        (["--host", "0.0.0.0"], {}, "EDGEKIT_ADDRESS is not set"),
        (["--proxies", "*"], {}, "EDGEKIT_PROXIES: '*' is no address"),
        # An address of nobody's (RFC 5737).
        (["--host", "192.0.2.1", "--address", "https://tea.example"], {}, "Cannot listen on 192.0.2.1"),
        (["--connections", "1000000000"], {}, "--connections: this system allows"),
        (["--app-dir", "/nowhere"], {}, "There is no folder /nowhere"),
    ],
)
def test_wrong_settings_end_it_before_it_listens(
    start: Callable[..., subprocess.Popen[str]],
    options: list[str],
    environment: dict[str, str],
    sentence: str,
) -> None:
    """case N9"""
    process = start(*options, **environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"edgekit edge: {sentence}")
    assert err.count("\n") == 1


def test_a_port_in_use_is_named(start: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]))
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n"), "Address already in use" in err) == (2, 1, True)


def test_it_answers_under_its_address_and_believes_named_proxies_only(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    """case T5"""
    forwarded = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http")
    plain = Edge(start("--address", "https://tea.example"))
    assert plain.get("/", *forwarded, host="tea.example").endswith("https://tea.example/ 127.0.0.1")
    assert plain.get("/").startswith("HTTP/1.1 421 ")
    named = Edge(start(EDGEKIT_ADDRESS="https://tea.example", EDGEKIT_PROXIES="127.0.0.1"))
    assert named.get("/", *forwarded, host="tea.example").endswith("https://tea.example/ 203.0.113.9")
    other = Edge(start("--address", "https://tea.example", "--proxies", "10.0.0.0/8"))
    assert other.get("/", *forwarded, host="tea.example").endswith("https://tea.example/ 127.0.0.1")


def test_it_ends_when_what_runs_is_answered(start: Callable[..., subprocess.Popen[str]]) -> None:
    edge = Edge(start())
    with edge.connect() as idle, edge.connect() as busy:
        busy.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert edge.process.stdout is not None
        assert edge.process.stdout.readline() == "begun\n"
        edge.process.send_signal(signal.SIGTERM)
        assert b"".join(iter(lambda: busy.recv(65_536), b"")).endswith(b"done")
        with contextlib.suppress(ConnectionError):
            assert idle.recv(1) == b""
    _, err = edge.process.communicate(timeout=60)
    assert (edge.process.returncode, err) == (0, "")


def peak(pid: int) -> int:
    """Megabytes of memory that a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def test_headers_without_end_cost_no_memory(start: Callable[..., subprocess.Popen[str]]) -> None:
    """case T7: 12 MB of `a: b` once cost 230 MB."""
    edge = Edge(start())
    assert "200 OK" in edge.get()
    before = peak(edge.process.pid)
    with edge.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 2_000_000)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")
    assert "200 OK" in edge.get()
    assert peak(edge.process.pid) - before < 20
