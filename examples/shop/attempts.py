"""How often a name may be tried with a wrong password: each server counts what it has seen itself.

That slows guessing down to some tries an hour for each name and server, and never asks a database. It is
forgotten with the process, and does not see who asks: what comes from one network address in great numbers is
for the proxy in front to limit, which sees all servers' requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import edge.server_only  # noqa: F401 - a browser has no passwords to judge

MOST, PAUSE = 10, 900  # failures, each within so many seconds of the one before
ROOM = 10_000  # names; the one whose last failure is oldest is forgotten first


class Failures:
    """Failures by name. `timer` is a monotonic clock in seconds."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._seen: dict[str, tuple[int, float]] = {}  # in the order of their last failures

    def wait(self, name: str) -> int:
        """Seconds until `name` may be tried again; 0: now. Trying earlier does not make it longer."""
        count, last = self._seen.get(name, (0, 0.0))
        left = last + PAUSE - self._timer()
        return max(1, round(left)) if count >= MOST and left > 0 else 0

    def note(self, name: str) -> None:
        """`name` was tried with a wrong password."""
        now = self._timer()
        count, last = self._seen.pop(name, (0, now))
        self._seen[name] = (count + 1 if now - last < PAUSE else 1, now)
        if len(self._seen) > ROOM:
            del self._seen[next(iter(self._seen))]


failures = Failures(time.monotonic)
