"""The native edge as a child of `edgekit serve`: uvicorn on a socket that the parent keeps open.

    python -m edge.serve.worker MODULE:APP APP_DIR SOCKET_FD READY_FD

Writes one byte to READY_FD once it accepts connections, which no request from outside could tell
for sure: during a change-over the old process answers on the same socket.
"""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

GRACE = 2  # seconds that running requests get when this process is replaced


class Server(uvicorn.Server):
    """Tells the parent when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: int) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            os.write(self._ready, b".")
            os.close(self._ready)


def main(arguments: list[str]) -> None:
    spec, app_dir, listening, ready = arguments
    sys.path.insert(0, app_dir)
    config = uvicorn.Config(
        spec, access_log=False, log_level="warning", server_header=False, timeout_graceful_shutdown=GRACE
    )
    Server(config, int(ready)).run(sockets=[socket.socket(fileno=int(listening))])


if __name__ == "__main__":
    main(sys.argv[1:])
