"""An origin and edges on loopback, in production mode, with a release: what a browser is pointed at."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from edge.keys import load_or_create

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}


def wait_for(url: str) -> None:
    """Ask until somebody answers."""
    latest = time.monotonic() + PATIENCE
    while True:
        try:
            urlopen(url, timeout=5).close()
        except (URLError, ConnectionError):
            if time.monotonic() > latest:
                raise
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def running(command: Sequence[str], fds: Sequence[int] = (), **environment: str) -> Iterator[None]:
    """A child process with only `environment` added to ours; ended with the block."""
    everything = {**os.environ, "PYTHONSAFEPATH": "1", **environment}
    process = subprocess.Popen([sys.executable, "-m", *command], env=everything, pass_fds=fds, **QUIET)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def origin(catalog: Path, data: Path) -> Iterator[str]:
    """The URL of an origin that publishes the folder `catalog`."""
    load_or_create(data / "keys")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = ["origin", "--data", str(data), "--catalog", str(catalog)]
        options = ["--keys", str(data / "keys" / "edge-public.json"), "--fd", str(listening.fileno())]
        with running([*command, *options, "--log-level", "warning"], [listening.fileno()]):
            wait_for(f"{url}/health")
            yield url


@contextlib.contextmanager
def edge(
    spec: str, folder: Path, release: Path, files: Path, data: Path, origin_url: str, *, script: bool = True
) -> Iterator[str]:
    """The URL of a native edge (uvicorn, as `edgekit serve` runs it) with `served.py` around the app."""
    ready, written = os.pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        fds = [listening.fileno(), written]
        command = ["edge.serve.worker", "served:app", str(HERE), *map(str, fds)]
        environment = {
            "BENCH_APP": spec,
            "BENCH_FILES": str(files),
            "BENCH_SCRIPT": str(int(script)),
            "EDGEKIT_KEYS": str(data / "keys" / "edge-private.json"),
            "EDGEKIT_ORIGIN": origin_url,
            "EDGEKIT_RELEASE": str(release),
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        }
        with running(command, fds, **environment):
            os.close(written)
            wait_for(f"{url}/_edge/health")
            yield url
            os.close(ready)
