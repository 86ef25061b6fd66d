"""`edgekit edge`: one edge on CPython, as it runs in production."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from .protocol import Limits
from .serving import Server, config
from .settings import SettingError, check, load, proxies

GRACE = 10  # seconds that running requests get after SIGTERM
FILES = 200  # descriptors for everything but connections of clients: the origin's, releases, libraries
BACKLOG = 1024  # connections that may wait to be accepted


def run(
    spec: str, app_dir: Path, host: str, port: int, *, address: str | None, trusted: str, connections: int
) -> int:
    """Serve `spec` (`module:app`, found in `app_dir`) on `host`:`port` (0 picks a free port) until SIGTERM or
    SIGINT; returns the exit code: 2, with one sentence on stderr, if it cannot begin.

    `address` is the public address; all else comes from the environment, see `edge.hosts.native`. `trusted`
    names proxies, `connections` how many clients may be connected. Prints `ready http://HOST:PORT` to stdout.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    for chatty in ("httpx2", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if address is not None:
        os.environ["EDGEKIT_ADDRESS"] = (
            address  # where the app's host looks, like whoever starts it with uvicorn
        )
    try:
        public = check(os.environ, host)
        named = proxies(trusted)
        _allow_files(connections + FILES)
        app = load(spec, app_dir)
        listening = _bind(host, port)
    except SettingError as error:
        sys.stderr.write(f"edgekit edge: {error}\n")
        return 2
    url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"

    def accepts() -> None:
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    # uvicorn ends in an orderly way and then raises the signal once more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    limits = Limits(connections=connections)
    settings = config(
        app,
        scheme=public.scheme,
        grace=GRACE,
        proxies=named,
        limits=limits,
        log_config=None,
        lifespan="on",
        backlog=BACKLOG,
    )
    with listening, contextlib.suppress(KeyboardInterrupt):
        Server(settings, accepts).run(sockets=[listening])
    return 0


def _bind(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet; raises SettingError."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        why = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise SettingError(f"Cannot listen on {host}, port {port}: {why}.") from error
    return listening


def _allow_files(wanted: int) -> None:
    """Let this process have `wanted` open files; raises SettingError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SettingError(
            f"--connections: this system allows {hard} open files and {wanted} are needed: ask for fewer, or "
            "raise the limit (ulimit -n)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
