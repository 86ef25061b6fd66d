"""Runs in Pyodide: pytest over Starlette's own tests, on the loop and without threads as in the kit's hosts.

    in_pyodide.py PACKAGES… -- PYTEST'S OPTIONS…

TestClient runs an app in another thread. Here it runs in this one, until what the client waits for is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

APP = "edge.conformance.app:app"  # any app: what counts is what the kit does to Python before it is imported


class Portal:
    """As `anyio.from_thread.BlockingPortal`, for the thread that it is in."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.start_task_soon(function, *args).result()

    def start_task_soon(self, function: Callable[..., Any], *args: Any, **_: object) -> Pending:
        async def run() -> Any:
            result = function(*args)
            return await result if inspect.isawaitable(result) else result

        self._loop.enter()
        task = asyncio.Task(run(), loop=self._loop)
        return Pending(task, lambda: self._run_until(task.done))

    def start_task(self, function: Callable[..., Any]) -> tuple[Pending, Any]:
        said: list[Any] = []
        status = SimpleNamespace(started=lambda value=None: said.append(value))
        pending = self.start_task_soon(functools.partial(function, task_status=status))
        self._run_until(lambda: bool(said) or pending.done())
        return pending, said[0] if said else pending.result()

    def _run_until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            if self._loop._ready:
                self._loop.drain(1)
            elif self._loop._timers:
                time.sleep(max(0.0, self._loop._alarm - self._loop.time()))
                self._loop._on_alarm(self._loop._alarm)
            else:
                raise RuntimeError("nothing will ever end this wait")


class Pending:
    """As `concurrent.futures.Future`; who waits for it runs the loop."""

    def __init__(self, task: asyncio.Task[Any], wait: Callable[[], None]) -> None:
        self._task = task
        self._wait = wait
        self.done, self.cancel = task.done, task.cancel

    def result(self, timeout: float | None = None) -> Any:
        self._wait()
        return self._task.result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._wait()
        return self._task.exception()


def main(words: list[str]) -> int:
    mark = words.index("--")
    sys.path[:0] = words[:mark]
    importlib.invalidate_caches()
    # httpx2 asks for it on this platform, to reach a network; TestClient reaches none.
    jsfetch: Any = ModuleType("httpx2_jsfetch")
    for name in ("JavascriptFetchTransport", "AsyncJavascriptFetchTransport"):
        setattr(jsfetch, name, type(name, (), {}))
    sys.modules["httpx2_jsfetch"] = jsfetch
    fetch: Any = importlib.import_module("edge.hosts.fetch")
    loading = fetch.load(APP)
    portal = Portal(fetch.install())
    portal.call(lambda: loading)

    @contextlib.contextmanager
    def start_blocking_portal(*_: Any, **__: Any) -> Iterator[Portal]:
        yield portal

    anyio: Any = importlib.import_module("anyio")
    importlib.import_module("anyio.from_thread")
    anyio.from_thread.start_blocking_portal = start_blocking_portal
    anyio.run = lambda function, *args, **_: portal.call(function, *args)
    client: Any = importlib.import_module("starlette.testclient")
    client.wait_futures = lambda pending: [one.exception() for one in pending]
    pytest: Any = importlib.import_module("pytest")

    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            portal.call(functools.partial(function, **given))

        run.__dict__.pop("__wrapped__")  # or it would count as a coroutine function still
        return run

    class Asynchronous:
        """Makes plain functions of tests that are coroutines; anyio's plugin would make a loop for them."""

        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            for item in items:
                if inspect.iscoroutinefunction(item.obj):
                    item.obj = plain(item.obj)

    return int(pytest.main(words[mark + 1 :], plugins=[Asynchronous()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
