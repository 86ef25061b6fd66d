"""An edge under uvicorn: the bounded protocol, and an end that loses no request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from .. import security_headers
from ..errors import Problem
from ..problem_response import render
from .protocol import BoundedProtocol, Headers, Limits, bounded

LINGER = 0.2  # seconds between the last accepted connection and the end of idle ones


def edge_protocol(limits: Limits, scheme: str) -> type[BoundedProtocol]:
    """The protocol of an edge that people reach over `scheme`: what it refuses has the edge's headers."""

    def answer(problem: Problem) -> tuple[int, Headers, bytes]:
        status, headers, body = render(problem, page=False)
        return status, [*headers, *security_headers.missing(headers, scheme)], body

    return bounded(limits, answer)


def config(
    app: Any,
    *,
    scheme: str,
    grace: int,
    proxies: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - immutable
    **more: Any,
) -> uvicorn.Config:
    """How an edge listens. `proxies` (addresses or networks) are those whose `X-Forwarded-For` is believed;
    running requests get `grace` seconds at the end."""
    return uvicorn.Config(
        app,
        http=edge_protocol(limits, scheme),
        access_log=False,
        log_level="error",  # what is refused is no event: anybody could fill the log with it
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=int(limits.idle_time),
        timeout_graceful_shutdown=grace,
        **more,
    )


class Server(uvicorn.Server):
    """Calls `started` when it accepts connections, and loses no request when it ends."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes connections on which no request has arrived yet; those that were accepted a
        # moment ago are about to send theirs.
        for server in self.servers:
            server.close()
        await asyncio.sleep(LINGER)
        await super().shutdown(sockets=sockets)
