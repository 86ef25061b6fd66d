"""A few threads, each with a connection that can only read; they never wait for the writer (WAL)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import apsw

from edge.errors import Problem

READERS = 3

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Readers:
    """As many threads as connections, so taking a connection never blocks a thread."""

    def __init__(self, connect: Callable[[], apsw.Connection], size: int = READERS) -> None:
        self._idle: SimpleQueue[apsw.Connection] = SimpleQueue()
        for _ in range(size):
            self._idle.put(connect())
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="origin-reader")

    async def read(self, query: Callable[[apsw.Connection], _T]) -> _T:
        """Run `query` on what is committed now; raises `Problem("origin-unavailable")`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, query)

    def close(self) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().close(force=True)

    def _run(self, query: Callable[[apsw.Connection], _T]) -> _T:
        connection = self._idle.get()
        try:
            return query(connection)
        except apsw.Error as error:
            _log.exception("a query failed")
            raise Problem("origin-unavailable") from error
        finally:
            self._idle.put(connection)
