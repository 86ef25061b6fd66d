"""Real processes to send conformance cases to: an origin, the native host, Pyodide in Node."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from edge.conformance import CATALOG, Case
from edge.keys import load_or_create

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
SPEC = "edge.conformance:app"


class Answer(NamedTuple):
    """What came back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def send_to(url: str) -> Callable[[Case], Answer]:
    """A function that sends a case byte for byte as it stands: no client corrects what is wrong in it."""

    def send(case: Case) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.putrequest(case.method, case.target, skip_accept_encoding=True)
            for name, value in case.headers:
                connection.putheader(name, value.encode("latin-1"))
            if case.body or case.method in ("POST", "PUT", "PATCH"):
                connection.putheader("content-length", str(len(case.body)))
            connection.endheaders()
            with contextlib.suppress(ConnectionError):  # a host may refuse by the header alone
                connection.send(case.body)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    return send


class Process:
    """A child with its output kept, for the message when it does not start."""

    def __init__(self, command: list[str], *, pass_fds: tuple[int, ...] = (), **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            pass_fds=pass_fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(self._process.stdout)

    def wait_until(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"{self._process.args} did not start:\n{''.join(self.lines)}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, path: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            # 421: it answers, but under another name than this.
            return send_to(url)(Case("", "GET", path)).status in (200, 421)
        except OSError:
            return False

    return ready


@pytest.fixture(scope="session")
def send() -> Callable[[str, Case], Answer]:
    """Send a case to a host and return its answer."""
    return lambda url, case: send_to(url)(case)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    load_or_create(folder)
    return folder


@pytest.fixture(scope="session")
def origin_url(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("origin"), free_port()
    (folder / "catalog").mkdir()
    (folder / "catalog" / "conformance.json").write_text(json.dumps(CATALOG))
    command = [sys.executable, "-m", "origin", "--data", str(folder), "--catalog", str(folder / "catalog")]
    process = Process([*command, "--keys", str(keys / "edge-public.json"), "--port", str(port)])
    url = f"http://127.0.0.1:{port}"
    process.wait_until(answers(url, "/health"))
    yield url
    process.stop()


@pytest.fixture(scope="session")
def build_release(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`build_release(spec, app_dir, *options)`: the browser release of an app, built by the real command."""

    def build(spec: str, app_dir: Path, *options: str) -> Path:
        folder = tmp_path_factory.mktemp("release")
        edgekit = str(Path(sys.executable).with_name("edgekit"))
        command = [
            edgekit,
            "build",
            spec,
            "--app-dir",
            str(app_dir),
            "-o",
            str(folder),
            "--quality",
            "1",
            *options,
        ]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
        assert result.returncode == 0, result.stderr
        return folder

    return build


@pytest.fixture(scope="session")
def release(build_release: Callable[..., Path]) -> Path:
    """The browser release of the conformance app."""
    return build_release(SPEC, ROOT)


@contextlib.contextmanager
def native(spec: str, app_dir: Path, release: Path, *, port: int = 0, **environment: str) -> Iterator[str]:
    """The URL of a native host that serves an app and its browser release."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # if another one was just there
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
        ready, written = os.pipe()
        descriptors = listening.fileno(), written
        process = Process(
            [sys.executable, "-m", "edge.serve.worker", spec, str(app_dir), *map(str, descriptors)],
            pass_fds=descriptors,
            EDGEKIT_RELEASE=str(release),
            **environment,
        )
        os.close(written)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process.wait_until(answers(url, "/_edge/health"))
        yield url
        process.stop()
        os.close(ready)


@pytest.fixture(scope="session")
def native_url(origin_url: str, keys: Path, release: Path) -> Iterator[str]:
    settings = {"EDGEKIT_ORIGIN": origin_url, "EDGEKIT_KEYS": str(keys / "edge-private.json")}
    with native(SPEC, ROOT, release, **settings) as url:
        yield url


@pytest.fixture(scope="session")
def streams_release(build_release: Callable[..., Path]) -> Path:
    """The browser release of apps/streams.py."""
    return build_release("streams:app", APPS)


@pytest.fixture(scope="session")
def streams_url(streams_release: Path) -> Iterator[str]:
    with native("streams:app", APPS, streams_release) as url:
        yield url


@pytest.fixture(scope="session")
def breaking_release(build_release: Callable[..., Path]) -> Path:
    """The release of apps/breaking.py."""
    return build_release("breaking:app", APPS)


@pytest.fixture(scope="session")
def breaking_url(breaking_release: Path) -> Iterator[str]:
    with native("breaking:app", APPS, breaking_release) as url:
        yield url


@contextlib.contextmanager
def node(release: Path, *options: str, **environment: str) -> Iterator[str]:
    """The URL of an edge in Pyodide on Node.js."""
    port = free_port()
    command = ["node", "browser/node/serve.js", "--release", str(release), "--port", str(port)]
    process = Process([*command, *options], **environment)
    process.wait_until(lambda: any(line.startswith("ready ") for line in process.lines))
    yield f"http://127.0.0.1:{port}"
    process.stop()


@pytest.fixture(scope="session")
def scope_urls(build_release: Callable[..., Path]) -> Iterator[tuple[str, str]]:
    """Of apps/scope.py, which tells what it sees of a request: on CPython and on Node.js."""
    release = build_release("scope:app", APPS)
    with native("scope:app", APPS, release) as one, node(release) as other:
        yield one, other


@pytest.fixture(scope="session")
def node_url(origin_url: str, keys: Path, release: Path) -> Iterator[str]:
    with node(release, "--origin", origin_url, "--keys", str(keys / "edge-private.json")) as url:
        yield url


ADDRESS = "https://tea.example"


@pytest.fixture(scope="session")
def native_site(release: Path) -> Iterator[str]:
    """The URL of a native host whose site has the address `ADDRESS`, behind a proxy that ends TLS."""
    with native(SPEC, ROOT, release, EDGEKIT_ADDRESS=ADDRESS) as url:
        yield url


@pytest.fixture(scope="session")
def node_site(release: Path) -> Iterator[str]:
    """The same on Node.js."""
    with node(release, EDGEKIT_ADDRESS=ADDRESS) as url:
        yield url


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """`ask(url, "GET", "/x", ("host", "a"), …)`: these header lines, as they stand, and no others."""

    def ask(url: str, method: str, target: str, *headers: tuple[str, str]) -> Answer:
        parts = urlsplit(url)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60) as connection:
            connection.sendall("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1"))
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            fields: dict[str, str] = {}
            for name, value in response.getheaders():  # several of one name on a line each
                fields[name.lower()] = "\n".join(filter(None, (fields.get(name.lower()), value)))
            return Answer(response.status, fields, response.read())

    return ask
