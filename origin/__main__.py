"""`python -m origin`: one origin process over one data folder."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from edge.errors import Problem
from edge.server.protocol import Headers, Limits, bounded

from .app import create_app
from .catalog import load_catalog
from .errors import StartError
from .keys import load_own, load_verifier
from .problems import render
from .sqlite import SQLiteStore

KEEP_ALIVE = 75  # seconds; longer than edges keep idle connections, so that they are the ones to close
GRACE = 10  # seconds that running requests get after SIGTERM


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m origin", description="Persist what edges commit.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the database")
    parser.add_argument(
        "--keys", type=Path, required=True, metavar="FILE", help="edges' public keys (JWK set)"
    )
    parser.add_argument(
        "--signed-in-since",
        type=iso_time,
        metavar="TIME",
        help="end all sessions in which somebody signed in before, such as 2026-03-31T12:00:00Z",
    )
    parser.add_argument("--catalog", type=Path, metavar="DIR", help="folder of <collection>.json to publish")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8001, help="port to listen on (%(default)s)")
    parser.add_argument("--fd", type=int, metavar="N", help="listening socket to inherit instead")
    levels = ["debug", "info", "warning", "error"]
    parser.add_argument("--log-level", choices=levels, default="info", help="(%(default)s)")
    return parser


def iso_time(text: str) -> int:
    """Seconds since 1970 of a time in ISO 8601; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; if it cannot, exit with an error status and the reason on stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    # uvicorn shuts down gracefully, then raises the signal again: the store is still to be closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        verifier = load_verifier(options.keys, time.time, time.monotonic)
        collections = load_catalog(options.catalog) if options.catalog else None
        with suppress(KeyboardInterrupt), SQLiteStore(options.data) as store:
            own = load_own(options.data, time.time, time.monotonic)
            if options.signed_in_since is not None:
                asyncio.run(store.raise_floor(options.signed_in_since, time.time()))
            if collections is not None:
                asyncio.run(store.publish(collections))
            _serve(create_app(store, verifier, own, time.time, os.urandom), options)
    except (StartError, Problem, OSError) as error:
        parser.exit(1, f"origin: {error}\n")


def _answer(problem: Problem) -> tuple[int, Headers, bytes]:
    """What is refused before there is a request looks like everything that is refused."""
    response = render(problem)
    return response.status_code, response.raw_headers, bytes(response.body)


def _serve(app: Starlette, options: argparse.Namespace) -> None:
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        log_config=None,
        log_level=options.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=bounded(Limits(idle_time=KEEP_ALIVE), _answer),
        ws="none",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    # uvicorn's own `fd` takes every socket for a Unix one and leaves Nagle's delay of 40 ms switched on.
    sockets = None if options.fd is None else [socket.socket(fileno=options.fd)]
    uvicorn.Server(config).run(sockets)


if __name__ == "__main__":
    main()
