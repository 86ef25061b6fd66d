"""Case H1: an interpreter on Node.js that breaks, or is busy without end, is replaced; CPython goes on.

What only nests deep breaks neither: it is an error of one request, or none.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from edge.conformance import Case

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds; far more than anything here takes
LIMIT = 5  # seconds that the interpreter may be busy
DEEP = ("json", "repr", "equal", "pickle", "recursion", "attribute", "chain")


class Edge(NamedTuple):
    """An edge on Node.js, as a process of its own."""

    url: str
    process: subprocess.Popen[str]


def start(release: Path, *options: str) -> Edge:
    command = ["node", "browser/node/serve.js", "--release", str(release), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    assert ready[:1] == ["ready"]
    return Edge(ready[1], process)


@pytest.fixture(scope="module")
def edge(breaking_release: Path) -> Iterator[Edge]:
    started = start(breaking_release, "--time-limit", str(LIMIT))
    yield started
    started.process.terminate()
    started.process.communicate()


@pytest.fixture(scope="module")
def patient(breaking_release: Path) -> Iterator[str]:
    """The URL of one that may be busy for long."""
    started = start(breaking_release, "--time-limit", str(PATIENCE))
    yield started.url
    started.process.terminate()
    started.process.communicate()


class Waiting:
    """A request that has been sent and whose answer is looked at later."""

    def __init__(self, url: str, target: str, method: str = "GET") -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        self._connection.request(method, target)

    def __enter__(self) -> http.client.HTTPResponse:
        self._response = self._connection.getresponse()
        return self._response

    def __exit__(self, *_error: object) -> None:
        self._response.close()
        self._connection.close()

    def close(self) -> None:
        self._connection.close()

    def code(self) -> tuple[int, Any]:
        with self as response:
            body = response.read()
            problem = response.headers["content-type"] == "application/problem+json"
            return response.status, json.loads(body)["code"] if problem else body


def get(url: str, target: str) -> tuple[int, Any]:
    return Waiting(url, target).code()


def until_it_answers(url: str) -> list[tuple[int, int]]:
    """What (health, page) said meanwhile."""
    seen, deadline = [], time.monotonic() + PATIENCE
    while True:
        health, page = get(url, "/_edge/health")[0], get(url, "/ok")[0]
        seen.append((health, page))
        if page == 200:
            return seen
        assert time.monotonic() < deadline, "no other interpreter comes up"
        time.sleep(0.1)


@pytest.mark.parametrize("when", ["now", "later", "after"])
@pytest.mark.parametrize("how", ["exit", "abort", "null", "forever", "regex"])
def test_who_was_in_it_hears_so_and_another_one_starts(edge: Edge, how: str, when: str) -> None:
    until_it_answers(edge.url)
    slow = Waiting(edge.url, "/slow")
    with Waiting(edge.url, "/parts") as parts:
        assert parts.read(5) == b"part\n"
        status, said = get(edge.url, f"/break?how={how}&when={when}")
        allowed: list[tuple[int, Any]] = [(500, "internal-error"), (503, "host-starting")]
        assert (status, said) in allowed + [(200, b"first")] * (when == "after")
        assert slow.code() == (503, "host-starting")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            parts.read()
    seen = until_it_answers(edge.url)
    assert {health for health, page in seen if page != 200} <= {503, 200}
    assert seen[0][0] == 503, "healthy while there is no interpreter"
    assert edge.process.poll() is None


# Before CPython 3.14 nothing protects the stack of whoever raises the limit of recursion.
@pytest.mark.parametrize(
    ("host", "how"), [("breaking_url", how) for how in DEEP[:4]] + [("patient", how) for how in DEEP]
)
def test_what_nests_deep_breaks_nothing(how: str, host: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(host)
    with Waiting(url, "/parts") as parts:
        status, said = get(url, f"/break?how={how}")
        assert (status, said) in [(200, b"survived"), (500, "internal-error")]
        assert get(url, "/ok") == (200, b"ok")
        assert parts.read(5) == b"part\n"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/ld+json", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le"])
@pytest.mark.parametrize("host", ["breaking_url", "patient"])
def test_json_is_as_deep_whatever_it_is_called(
    media_type: str, encoding: str, host: str, request: pytest.FixtureRequest, send: Callable[..., Any]
) -> None:
    url = request.getfixturevalue(host)
    headers = (("content-type", media_type),) if media_type else ()
    for depth, status in ((500, 200), (6_000, 400)):
        body = ("[" * depth + "]" * depth).encode(encoding)
        answer = send(url, Case("", "POST", "/json", headers=headers, body=body))
        assert answer.status == status
        if status == 400:
            assert json.loads(answer.body)["code"] == "malformed-json"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_whatever_the_interpreter_does(
    breaking_release: Path, number: signal.Signals
) -> None:
    started = start(breaking_release, "--time-limit", str(PATIENCE))
    busy = Waiting(started.url, "/break?how=forever")
    time.sleep(0.5)
    started.process.send_signal(number)
    started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode == 0
    with contextlib.closing(busy), pytest.raises(ConnectionError):
        busy.code()


def test_a_start_that_fails_is_an_exit_with_the_reason(breaking_release: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    for options, variables, status, reason in (
        (["--keys", str(tmp_path / "keys.json")], {}, 1, "JSON"),
        (["--time-limit", "soon"], {}, 2, "--time-limit"),
        (["--proxies", "everybody"], {}, 2, "--proxies"),
        ([], {"EDGEKIT_CATALOG_MEMORY": "much"}, 2, "EDGEKIT_CATALOG_MEMORY"),
    ):
        command = ["node", "browser/node/serve.js", "--release", str(breaking_release), *options]
        result = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, **variables},
        )
        assert (result.returncode, result.stdout) == (status, "")
        assert reason in result.stderr
        assert len(result.stderr) < 1000


@pytest.mark.parametrize("host", ["breaking_url", "patient"])
@pytest.mark.parametrize("how", ["longer", "shorter", "later-longer", "later-shorter", "none"])
def test_a_wrong_length_cuts_the_connection(how: str, host: str, request: pytest.FixtureRequest) -> None:
    """Case H4: the next answer on the same connection is never mixed up with what was too much."""
    parts = urlsplit(request.getfixturevalue(host))
    first = b"GET /length?how=%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % how.encode()
    second = b"GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=PATIENCE) as connection:
        connection.sendall(first + second)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                received += part
    head, _, body = received.partition(b"\r\n\r\n")
    if b" 500 " in head.partition(b"\r\n")[0]:  # seen before anything was sent
        assert how in ("none", "longer", "shorter")
        assert body.endswith(b"\r\n\r\nok")
    else:
        assert len(body) < 10
