"""An origin and two native edges as processes on loopback, and programs with cookies that use them."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from edge.keys import load_or_create
from edge.release.toolchain import find_node
from edge.serve.processes import READY

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds until a process has to answer
SPEC = "session_app:app"


class Cluster:
    """`edges` are two URLs; `keys` is the folder of the edges' keys, which all processes watch.

    `environment` is what all processes find in theirs.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._environment = environment
        self.keys, self._data = folder / "keys", folder / "data"
        load_or_create(self.keys)
        load_or_create(self._data, "origin")
        self._log = (folder / "log").open("w")
        self._port, self._processes = _free_port(), []
        self._origin_url = f"http://127.0.0.1:{self._port}"
        self.start_origin()
        self.edges = [self._start_edge() for _ in range(2)]

    def start_node(self, release: Path) -> str:
        """One more edge, in Pyodide on Node.js, which serves `release`; returns its URL."""
        files = [
            "--origin-keys",
            self._data / "origin-public.json",
            "--keys",
            self.keys / "edge-private.json",
        ]
        options = ["--release", release, "--origin", self._origin_url, *files]
        process = self._start(
            [str(find_node()), "browser/node/serve.js", *map(str, options)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("ready "), line
        return line.removeprefix("ready ").strip()

    def start_origin(self) -> None:
        options = ["--data", self._data, "--keys", self.keys / "edge-public.json", "--port", self._port]
        self._origin = self._start([sys.executable, "-m", "origin", *map(str, options)])
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"{self._origin_url}/health"):
            assert time.monotonic() < deadline, "the origin does not answer"
            time.sleep(0.05)

    def stop_origin(self) -> None:
        self._origin.terminate()
        self._origin.wait()

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate()
        self._log.close()

    def _start_edge(self) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        reading, writing = os.pipe()
        descriptors = (listening.fileno(), writing)
        command = [sys.executable, "-m", "edge.serve.worker", SPEC, str(Path(__file__).parent)]
        self._start(
            [*command, *map(str, descriptors)],
            *descriptors,
            EDGEKIT_ORIGIN=self._origin_url,
            EDGEKIT_ORIGIN_KEYS=str(self._data / "origin-public.json"),
            EDGEKIT_KEYS=str(self.keys / "edge-private.json"),
        )
        os.close(writing)
        with os.fdopen(reading, "rb") as ready:
            assert ready.read(len(READY)) == READY.encode(), "the edge did not start"
        with listening:
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

    def _start(
        self, command: list[str], *descriptors: int, stdout: int | None = None, **environment: str
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **self._environment, **environment},
            pass_fds=descriptors,
            stdout=self._log if stdout is None else stdout,
            stderr=self._log,
        )
        self._processes.append(process)
        return process


class Program:
    """A client that keeps cookies, as a browser without service worker does."""

    _serial = itertools.count(1)

    def __init__(self, cookies: Mapping[str, str] | None = None) -> None:
        self._http = httpx2.Client(timeout=PATIENCE, cookies=dict(cookies or {}))

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self._http.cookies)

    def get(self, url: str) -> httpx2.Response:
        return self._http.get(url)

    def post(self, url: str, **members: Any) -> httpx2.Response:
        key = f"a-key-of-this-test-{next(self._serial):06}"
        return self._http.post(url, json=members, headers={"Idempotency-Key": key})

    def send(self, url: str, headers: Mapping[str, str]) -> httpx2.Response:
        return self._http.post(url, json={}, headers=dict(headers))

    def close(self) -> None:
        self._http.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=PATIENCE).status_code == 200
    except httpx2.TransportError:
        return False
