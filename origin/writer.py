"""Group commit: whatever waits while one transaction runs becomes the next one, with one fsync.

A result leaves only after COMMIT has returned: nobody is told of a write that could still be lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw

from edge.errors import Problem

BATCH = 64  # writes in one transaction
WAITING = 1024  # writes in the queue before new ones are turned away

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    work: Callable[[apsw.Connection], Any]
    done: Future[Any]


class Writer:
    """One thread with the only connection that writes.

    Each `write` asks the thread to drain the queue; the first drain takes all that waits, the others
    find it empty. So a lone write never waits for a timer, and under load `BATCH` share one COMMIT.
    """

    def __init__(self, connect: Callable[[], apsw.Connection], waiting: int = WAITING) -> None:
        self._connect = connect
        self._connection: apsw.Connection | None = connect()
        self._waiting = waiting
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="origin-writer")

    async def write(self, work: Callable[[apsw.Connection], _T]) -> _T:
        """Run `work` in a savepoint of the next transaction and return its result once committed.

        What `work` raises undoes only its own writes, and is raised here. Raises
        `Problem("overloaded")` if the queue is full and `Problem("origin-unavailable")` if the
        database fails; then the outcome may be unknown.
        """
        if self._jobs.qsize() >= self._waiting:
            raise Problem("overloaded", headers={"Retry-After": "1"})
        done: Future[_T] = Future()
        self._jobs.put(_Job(work, done))
        self._thread.submit(self._drain)
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._thread.shutdown()
        self._disconnect()

    def _drain(self) -> None:
        batch = self._take()
        if not batch:
            return
        try:
            results = self._transaction(batch)
        except Exception:
            _log.exception("a transaction of %d writes failed, the database is opened anew", len(batch))
            self._disconnect()
            results = [_unknown() for _ in batch]
        for job, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)

    def _take(self) -> list[_Job]:
        batch: list[_Job] = []
        while len(batch) < BATCH and not self._jobs.empty():
            job = self._jobs.get()
            # False: the caller was cancelled while waiting. From here on it no longer can be.
            if job.done.set_running_or_notify_cancel():
                batch.append(job)
        return batch

    def _transaction(self, batch: list[_Job]) -> list[Any]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        results = [_attempt(self._connection, job.work) for job in batch]
        self._connection.execute("COMMIT")
        return results

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None


def _attempt(connection: apsw.Connection, work: Callable[[apsw.Connection], _T]) -> _T | Exception:
    try:
        with connection:  # nested in a transaction: a SAVEPOINT
            result = work(connection)
    except Exception as error:
        if not connection.in_transaction:  # SQLite gave up the whole transaction, not only this part
            raise
        if isinstance(error, apsw.Error):
            _log.exception("a write failed")
            return _unknown()
        return error
    return result


def _unknown() -> Problem:
    return Problem("origin-unavailable", "the outcome is unknown; retry with the same key")
