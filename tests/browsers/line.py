"""A network line that a test can cut, the same for every browser, and that knows what went over it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine
from typing import Any, Self
from urllib.parse import urlsplit

REQUEST = re.compile(rb"((?:GET|HEAD|POST|PUT|DELETE) /\S*) HTTP/1\.1\r\n")


class Line:
    """Passes bytes between its own `url` and that of a server, until it is cut."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._seen = bytearray()
        self._ends: set[asyncio.StreamWriter] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._cut = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening = self._call(asyncio.start_server(self._pass, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """From now on nobody gets through, and who was on the line is thrown off."""
        self._call(self._set(cut=True))

    def mend(self) -> None:
        self._call(self._set(cut=False))

    def requests(self, start: str = "") -> list[str]:
        """All `METHOD /target` so far, or those that start like this."""
        found = [match.decode() for match in REQUEST.findall(bytes(self._seen))]
        return [request for request in found if request.startswith(start)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _set(self, *, cut: bool) -> None:
        self._cut = cut
        for writer in self._ends if cut else ():
            writer.transport.abort()

    async def _end(self) -> None:
        self._listening.close()
        await self._set(cut=True)
        await asyncio.gather(*self._calls)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        call = asyncio.current_task()
        assert call is not None
        far_reader, far_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
        ends = {writer, far_writer}
        self._calls.add(call)
        self._ends |= ends
        await asyncio.gather(self._copy(reader, far_writer, self._seen), self._copy(far_reader, writer))
        self._ends -= ends
        self._calls.discard(call)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: bytearray | None = None
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if log is not None:
                    log += data
                writer.write(data)
                await writer.drain()
        writer.close()
