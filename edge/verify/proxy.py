"""A relay between sockets: connections end early, are reset, or stay and bring nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence

from .http1 import HEAD_LIMIT, Broken, Message, read
from .relay import Forward, Relay

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


class FaultProxy:
    """Listens on a free port of 127.0.0.1 (`port`) and leaves the rest to `relay`."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.port = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End what is still open."""
        if self._server is not None:
            self._server.close()
        for writer in self._connections:
            writer.transport.abort()
        await self.relay.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(Broken, OSError):
                while (request := await read(reader)) is not None:
                    if not await self._exchange(request, reader, writer):
                        break
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _exchange(
        self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection goes on."""
        fault, answer = await self.relay.exchange(request)
        if fault.kind == "reset":
            _reset(writer)
        if fault.kind == "half-open":
            await reader.read()  # until the client has had enough
        if answer is None or fault.kind in ("half-open", "drop-response"):
            return False
        message, cut = answer.encode(), fault.kind == "truncate-response"
        writer.write(message[: int(fault.chance * len(message))] if cut else message)
        await writer.drain()
        return not cut


def to_ports(ports: Sequence[int]) -> Forward:
    """A `Forward` to whoever listens on these ports of 127.0.0.1."""

    async def forward(target: int, request: Message) -> Message:
        return await ask(ports[target], request)

    return forward


async def ask(port: int, request: Message) -> Message:
    """The answer of whoever listens on `port` of 127.0.0.1. Raises `Broken`, OSError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=HEAD_LIMIT)
    try:
        writer.write(request.encode())
        answer = await read(reader, answers=request.method)
        if answer is None:
            raise Broken("no answer")
        return answer
    finally:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
