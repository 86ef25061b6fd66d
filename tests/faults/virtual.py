"""Time that passes only when nobody has anything to do: one seed, one course of events."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Stalled(RuntimeError):
    """Everybody waits for somebody else."""


class _Selector(selectors.SelectSelector):
    """Waiting for sockets is replaced by letting the time pass: there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("nothing will ever happen again")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and jumps to the next timer."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now

    def _write_to_self(self) -> None:
        """Nobody is asleep who would have to be woken up."""


class LoopExecutor:
    """Stands in for ThreadPoolExecutor: work is done on the loop, a moment later, unless its process has
    died by then. `pause` says how long each moment is."""

    pause: Callable[[], float]
    alive: Callable[[], Callable[[], bool]]  # at the start of a process: tells later whether it still lives

    def __init__(self, max_workers: int, thread_name_prefix: str = "") -> None:
        self._lives = type(self).alive()
        self._waiting: dict[int, tuple[Future[Any], Callable[[], Any]]] = {}
        self._next = 0

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        number = self._next = self._next + 1
        self._waiting[number] = future, lambda: work(*arguments)
        asyncio.get_running_loop().call_later(type(self).pause(), self._run, number)
        return future

    def shutdown(self, wait: bool = True) -> None:
        for number in list(self._waiting):
            self._run(number)

    def _run(self, number: int) -> None:
        future, work = self._waiting.pop(number, (None, None))
        if future is None or work is None or not self._lives() or not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
