"""The native edge as a child of `edgekit serve`: uvicorn on a socket that the parent keeps open.

    python -m edge.serve.worker MODULE:APP APP_DIR SOCKET_FD READY_FD

Writes one byte to READY_FD once it accepts connections, which no request from outside could tell
for sure: during a change-over the old process answers on the same socket.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import traceback
from typing import Any

import uvicorn
from uvicorn.importer import ImportFromStringError, import_from_string
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .. import security_headers
from ..errors import Problem
from ..problem_response import render

LINGER = 0.2  # seconds between the last accepted connection and the end of idle ones
GRACE = 2  # seconds that running requests get when this process is replaced


class Protocol(HttpToolsProtocol):
    """Refuses what is not HTTP with a problem document, as everything else is refused."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the problem has its own words
        status, headers, body = render(Problem("malformed-request"), page=False)
        headers += security_headers.missing(headers, "http")
        lines = [b"HTTP/1.1 %d Bad Request" % status, *(b"%s: %s" % header for header in headers)]
        self.transport.write(b"\r\n".join([*lines, b"connection: close", b"", body]))
        self.transport.close()


class Server(uvicorn.Server):
    """Tells the parent when it is ready, and loses no request when it is replaced."""

    def __init__(self, config: uvicorn.Config, ready: int) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            os.write(self._ready, b".")
            os.close(self._ready)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes connections on which no request has arrived yet; those that were accepted a
        # moment ago are about to send theirs.
        for server in self.servers:
            server.close()
        await asyncio.sleep(LINGER)
        await super().shutdown(sockets=sockets)


def load(spec: str, app_dir: str) -> Any:
    """Import the app; if that fails print the part of the traceback that is the app's, and exit."""
    sys.path.insert(0, app_dir)
    try:
        return import_from_string(spec)
    except ImportFromStringError as error:
        sys.exit(str(error))
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(app_dir):
            trace = trace.tb_next
        traceback.print_exception(error.with_traceback(trace))
        sys.exit(1)


def main(arguments: list[str]) -> None:
    spec, app_dir, listening, ready = arguments
    config = uvicorn.Config(
        load(spec, app_dir),
        http=Protocol,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    Server(config, int(ready)).run(sockets=[socket.socket(fileno=int(listening))])


if __name__ == "__main__":
    main(sys.argv[1:])
