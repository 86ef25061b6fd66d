"""An interpreter with one thread and no system around it: what waits for another thread would wait for ever.

So a wait that nobody can end raises `NeedsEdge` at once, wherever it is tried. What else Pyodide cannot do
(threads, processes, sockets, a second event loop) raises it while the browser runs a request, also where an
app would make do with less: an edge has them. At import and at start-up it fails in Pyodide's own way, so
that libraries can find out.
"""

from __future__ import annotations

import _thread
import asyncio
import functools
import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import NeedsEdge
from ..running import current

SHORTEST = 1.0  # seconds: a wait up to that length ends by itself
LONGEST_SLEEP = 10.0  # seconds in a browser, where nobody waits longer for an answer

# What each module has that is not here, and what it takes.
ABSENT: tuple[tuple[Any, tuple[str, ...], str], ...] = (
    (threading, ("_start_joinable_thread", "_start_new_thread"), "a thread"),
    (_thread, ("start_joinable_thread", "start_new_thread", "start_new"), "a thread"),
    (subprocess.Popen, ("__init__",), "a process"),
    (os, ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"), "a process"),
    (socket.socket, ("accept", "bind", "connect", "connect_ex", "listen", "sendto"), "a socket"),
    (
        socket,
        ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"),
        "a socket",
    ),
)
# A second loop would replace the one that answers requests, and nothing can wait for what runs in it.
LOOPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (asyncio, ("run", "new_event_loop")),
    (asyncio.Runner, ("__enter__", "run", "get_loop")),
)

_sleep = time.sleep


class Lock:
    """As `threading.Lock`, for the tasks of one thread: who finds it taken would wait for itself."""

    def __init__(self) -> None:
        self._taken = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Raises `NeedsEdge` where it would wait for longer than a second."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not self._taken:
            self._taken = True
            return True
        if not blocking:
            return False
        if timeout == -1 or timeout > SHORTEST:
            raise NeedsEdge("a thread that ends this wait")
        _sleep(timeout)
        return False

    def release(self) -> None:
        if not self._taken:
            raise RuntimeError("release unlocked lock")
        self._taken = False

    def locked(self) -> bool:
        return self._taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._taken = False


def install(loop: type) -> None:
    """From now on waits end. Before the app is imported, which may keep what it finds.

    `loop` is the class of Pyodide's event loops.
    """
    for module, name in ((threading, "Lock"), (threading, "_allocate_lock"), (_thread, "allocate_lock")):
        setattr(module, name, Lock)
    queue.SimpleQueue = queue._PySimpleQueue  # type: ignore[misc, attr-defined]
    time.sleep = sleep
    for holder, names, what in ABSENT:
        _withhold(holder, names, what, in_browser)
    for holder, names in (*LOOPS, (loop, ("run_until_complete", "run_forever"))):
        _withhold(holder, names, "an event loop of its own", lambda: current() is not None)


def _withhold(holder: Any, names: tuple[str, ...], what: str, where: Callable[[], bool]) -> None:
    for name in names:
        found = getattr(holder, name, None)
        if found is not None and not hasattr(found, "__wrapped__"):
            setattr(holder, name, elsewhere(found, what, where))


def sleep(seconds: Any, /) -> None:
    """As `time.sleep`; raises `NeedsEdge` in a browser for what takes longer than anybody waits."""
    if seconds > LONGEST_SLEEP and in_browser():
        raise NeedsEdge("so long a wait")
    while seconds > SHORTEST:  # in between Python looks for interrupts
        _sleep(SHORTEST)
        seconds -= SHORTEST
    _sleep(seconds)


def elsewhere(function: Callable[..., Any], what: str, where: Callable[[], bool]) -> Callable[..., Any]:
    """`function`, which raises `NeedsEdge` for want of `what` where that is so."""

    @functools.wraps(function)
    def needing(*args: Any, **options: Any) -> Any:
        if where():
            raise NeedsEdge(what)
        return function(*args, **options)

    return needing


def in_browser() -> bool:
    """Whether a request runs in a browser just now."""
    request = current()
    return request is not None and request.host == "browser"
