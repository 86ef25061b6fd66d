"""A proxy that does to each exchange what its fault says, and tells an observer what really happened."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .faults import Fault
from .http1 import HEAD_LIMIT, Broken, Message, read

ANSWER_LIMIT = 30.0  # seconds that a process may take
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


class Passage(NamedTuple):
    """How one exchange is to go: to which of the targets, with which fault, under which number."""

    target: int
    fault: Fault
    number: int


class Sighting(NamedTuple):
    """A request that a process got, and what it answered if it did; the client may have seen none of it."""

    passage: Passage
    request: Message
    answer: Message | None = None
    copy: bool = False
    call: int = 0


Decide = Callable[[Message], tuple[Message, Passage]]  # also gives the request as it is to be passed on


class FaultProxy:
    """Listens on a free port of 127.0.0.1 (`port`) and passes requests on to the ports in `targets`.

    `sent` is called before a request is passed on and gives it a number; with that, `seen` is called after
    its answer, whoever gets it.
    """

    def __init__(
        self,
        targets: Sequence[int],
        decide: Decide,
        sent: Callable[[Sighting], int],
        seen: Callable[[Sighting], None],
    ) -> None:
        self._targets = targets
        self._decide = decide
        self._sent = sent
        self._seen = seen
        self._copies: set[asyncio.Task[Message | None]] = set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    async def quiet(self) -> None:
        """Wait until all copies have arrived and been answered."""
        while self._copies:
            await asyncio.wait(self._copies)

    async def close(self) -> None:
        """End what is still open."""
        if self._server is not None:
            self._server.close()
        for copy in self._copies:
            copy.cancel()
        for writer in self._connections:
            writer.transport.abort()
        await asyncio.gather(*self._copies, return_exceptions=True)

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
        request, passage = self._decide(request)
        fault = passage.fault
        if fault.kind in ("drop-request", "reset"):
            if fault.kind == "reset":
                _reset(writer)
            return False
        answer = await self._passed_on(passage, request)
        if fault.kind == "half-open":
            await reader.read()  # until the client has had enough
            return False
        if answer is None or fault.kind == "drop-response":
            return False
        message = answer.encode()
        if fault.kind == "truncate-response":
            writer.write(message[: int(fault.chance * len(message))])
            await writer.drain()
            return False
        writer.write(message)
        await writer.drain()
        return True

    async def _passed_on(self, passage: Passage, request: Message) -> Message | None:
        """The answer that counts, or None if there is none."""
        fault = passage.fault
        if fault.kind == "delay":
            await asyncio.sleep(fault.before)
            answer = await self._forward(passage, request)
            await asyncio.sleep(fault.after)
            return answer
        other = passage._replace(target=(passage.target + 1) % len(self._targets))
        if fault.kind == "late-copy":
            self._copy(other, request, fault.after)
        if fault.kind == "duplicate":
            # One of the two is a moment late; the answer of either may be the one that arrives.
            twin = self._copy(other, request, fault.before if fault.chance < 0.5 else 0.0)
            answer = await self._forward(passage, request)
            return answer if int(fault.chance * 100) % 2 else await asyncio.shield(twin)
        return await self._forward(passage, request)

    def _copy(self, passage: Passage, request: Message, wait: float) -> asyncio.Task[Message | None]:
        task = asyncio.create_task(self._later(passage, request, wait))
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)
        return task

    async def _later(self, passage: Passage, request: Message, wait: float) -> Message | None:
        await asyncio.sleep(wait)
        return await self._forward(passage, request, copy=True)

    async def _forward(self, passage: Passage, request: Message, *, copy: bool = False) -> Message | None:
        sighting = Sighting(passage, request, copy=copy)
        sighting = sighting._replace(call=self._sent(sighting))
        answer = None
        with contextlib.suppress(Broken, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_LIMIT):
                answer = await ask(self._targets[passage.target], request)
        self._seen(sighting._replace(answer=answer))
        return answer


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
