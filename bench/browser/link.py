"""A network that can be slow, thin or gone: a TCP proxy on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Self

PIECE = 16_384  # bytes that are passed on at once
AHEAD = 4  # pieces of one connection that may be on their way


class Link:
    """Passes connections on to `port`. Use it as a context manager.

    `delay`: seconds added to a round trip. `rate`: bits per second in each direction, shared by all
    connections; None means no limit. Both may be set at any time. `received` counts the bytes that the
    client was sent.
    """

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self.delay = 0.0
        self.rate: float | None = None
        self.received = 0
        self.url = ""
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._free_at = {"up": 0.0, "down": 0.0}

    def __enter__(self) -> Self:
        self._thread.start()
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def connect(self) -> None:
        """Be reachable, at the same address as before."""
        self._do(self._open())

    def cut(self) -> None:
        """Refuse connections and break those there are."""
        self._do(self._close())

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """No network within the block."""
        self.cut()
        try:
            yield
        finally:
            self.connect()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, far, "up"))
                both.create_task(self._carry(far_reader, writer, "down"))
        except* (OSError, asyncio.CancelledError):
            pass  # one side is gone, so is the other; or the link was cut
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: str) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(AHEAD)

        async def deliver() -> None:
            while True:
                due, piece = await on_the_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not piece:
                    raise ConnectionError
                self.received += len(piece) if way == "down" else 0
                sink.write(piece)
                await sink.drain()

        async with asyncio.TaskGroup() as both:
            both.create_task(deliver())
            while piece := await source.read(PIECE):
                await on_the_way.put((self._due(len(piece), way), piece))
            await on_the_way.put((self._due(0, way), b""))

    def _due(self, size: int, way: str) -> float:
        sent = max(self._loop.time(), self._free_at[way]) + (size * 8 / self.rate if self.rate else 0.0)
        self._free_at[way] = sent
        return sent + self.delay / 2
