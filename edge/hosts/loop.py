"""An event loop that runs all that is ready in one go.

Pyodide's own loop goes through JavaScript for every callback. That is fine for a page, but an ASGI
middleware costs dozens of callbacks per request. This one keeps a queue and a heap of timers, as CPython's
does, and asks JavaScript only to be woken.

`run_sync` (JavaScript promise integration) works in callbacks that JavaScript's wake-up runs; in those that
`drain` runs for a caller it is refused, as in any other plain call from JavaScript.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from . import _js

LIMIT = 256  # callbacks in one go; then JavaScript has its turn
FEW_TIMERS = 64  # below, cancelled timers wait for their time


class DrainingLoop(_js.WebLoop):  # type: ignore[misc]
    """A `pyodide.webloop.WebLoop` with a queue of its own. Holds no JavaScript object while it waits."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._cancelled = 0  # of those in the heap
        self._awaited = False  # a wake-up is on its way
        self._alarm = math.inf  # the time of the next timer that JavaScript knows of

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._await_turn()
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        self._set_alarm()
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """`TimerHandle.cancel` calls this. Timeouts are cancelled far more often than they fire."""
        if handle._scheduled:  # type: ignore[attr-defined]
            self._cancelled += 1
            if self._cancelled > FEW_TIMERS and self._cancelled * 2 > len(self._timers):
                self._forget_cancelled()

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        if self._task_factory is not None:
            task: asyncio.Task[Any] = self._task_factory(self, coro, **options)
            return task
        return asyncio.Task(coro, loop=self, **options)

    def restart(self) -> None:
        """After a memory snapshot: wake-ups that JavaScript owed us are lost, and its clock is another."""
        self._awaited, self._alarm = False, math.inf
        self._forget_cancelled()
        if self._ready:
            self._await_turn()
        self._set_alarm()

    def enter(self) -> None:
        """Be the loop of the Python call that has just come in from JavaScript."""
        self._install_running_loop()
        self._install_asyncgen_hooks()

    def drain(self, limit: int = LIMIT) -> None:
        """Run what is ready, and what becomes ready by that. Nothing, if called from within a task."""
        if asyncio.current_task(self) is not None:
            return
        self.enter()
        ready = self._ready
        while ready and limit > 0:
            handle = ready.popleft()
            limit -= 1
            if not handle._cancelled:
                handle._run()

    def _await_turn(self) -> None:
        if not self._awaited:
            self._awaited = True
            _js.schedule(self._on_turn, 0)

    def _on_turn(self) -> None:
        # From here on others may ask for a turn: `run_sync` can suspend this call for long.
        self._awaited = False
        try:
            self.drain()
        finally:
            if self._ready:
                self._await_turn()

    def _set_alarm(self) -> None:
        when = self._timers[0].when() if self._timers else math.inf
        if when < self._alarm:
            self._alarm = when
            # JavaScript counts whole milliseconds and cuts the rest off.
            milliseconds = math.ceil(max(0.0, when - self.time()) * 1000)
            _js.schedule(lambda: self._on_alarm(when), min(milliseconds, _js.LONGEST_DELAY))

    def _on_alarm(self, set_for: float) -> None:
        if set_for != self._alarm:
            return  # an earlier timer came in between, and its alarm has set the next one
        self._alarm = math.inf
        now = self.time() + 0.001
        while self._timers and (self._timers[0].cancelled() or self._timers[0].when() <= now):
            timer = heapq.heappop(self._timers)
            timer._scheduled = False  # type: ignore[attr-defined]
            if timer.cancelled():
                self._cancelled -= 1
            else:
                self._ready.append(timer)
        self._set_alarm()
        self._on_turn()

    def _forget_cancelled(self) -> None:
        for timer in self._timers:
            timer._scheduled = not timer.cancelled()  # type: ignore[attr-defined]
        self._timers = [timer for timer in self._timers if not timer.cancelled()]
        heapq.heapify(self._timers)
        self._cancelled = 0


def install() -> DrainingLoop:
    """Make a `DrainingLoop` the loop of this interpreter, unless it is.

    Within a task of another loop that one stays: a task cannot change its loop.
    """
    loop = asyncio.get_event_loop()
    if isinstance(loop, DrainingLoop):
        return loop
    within = asyncio.current_task(loop) is not None
    new = DrainingLoop()
    if within:
        asyncio._set_running_loop(loop)
    else:
        asyncio.set_event_loop(new)
    return new
