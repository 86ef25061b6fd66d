"""Asks a host every recorded request, in the order of the tests."""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from ..hosts.conftest import Process, answers, free_port
from .compare import Answer, Key
from .recordings import HOST, Recorded, Session

PATIENCE = 60  # seconds; the machine may be busy, and a host that has died never answers

Start = Callable[[str], AbstractContextManager[str]]  # address -> URL


def ask(start: Start, host: str, sessions: Sequence[Session]) -> dict[Key, Answer]:
    """All answers of a server. `start(address)` starts it for one public address, such as `http://example.com`,
    when a request names it, and again if it does not answer any more.

    `host`: what TestClient's "testserver" is called here.
    """
    found: dict[Key, Answer] = {}
    with contextlib.ExitStack() as running:
        urls: dict[str, str] = {}
        for session in sessions:
            for key, request in session.keyed():
                name = host if request.host == HOST else request.host
                if name not in urls:
                    urls[name] = running.enter_context(start(f"http://{name}"))
                try:
                    found[key] = send(urls[name], name, session, request)
                except (OSError, http.client.HTTPException) as error:
                    found[key] = Answer(0, (), repr(error).encode())
                    running.close()
                    urls.clear()
    return found


def send(url: str, host: str, session: Session, request: Recorded) -> Answer:
    """Send a request byte for byte as it was recorded but for its Host, over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, host if name == "host" else value.encode("latin-1"))
        connection.putheader("parity", session.name)
        connection.endheaders()
        with contextlib.suppress(ConnectionError):  # a host may refuse by the head alone
            connection.send(request.body)
        response = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        try:
            return Answer(response.status, headers, response.read())
        except http.client.IncompleteRead as error:
            return Answer(response.status, headers, error.partial, cut=True)
    finally:
        connection.close()


@contextlib.contextmanager
def uvicorn(spec: str, environment: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """The URL of plain uvicorn, without anything of the kit."""
    port = port or free_port()
    command = [sys.executable, "-P", "-m", "uvicorn", spec, "--port", str(port), "--log-level", "error"]
    process = Process(command, **environment)
    url = f"http://127.0.0.1:{port}"
    process.wait_until(answers(url, "/"))
    try:
        yield url
    finally:
        process.stop()


def python_path(*folders: Path) -> dict[str, str]:
    """An environment in which these folders can be imported from."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
