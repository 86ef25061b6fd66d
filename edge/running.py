"""The request that the present code runs for, whatever task, callback or framework lies in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from .types import HostName


class Running(Protocol):
    """What is known of a request while it runs. `escalated`: it is an edge's, whatever the app answers."""

    escalated: bool

    @property
    def host(self) -> HostName:
        """Who runs it."""
        ...


_running: ContextVar[Running | None] = ContextVar("edgekit_running", default=None)


@contextmanager
def running(request: Running) -> Iterator[None]:
    """Within it, and in every task and callback that begins there, `request` is the one that runs."""
    token = _running.set(request)
    try:
        yield
    finally:
        _running.reset(token)


@contextmanager
def unmarked() -> Iterator[None]:
    """Within it nothing marks the request as an edge's: for what the kit has a way around."""
    token = _running.set(None)
    try:
        yield
    finally:
        _running.reset(token)


def current() -> Running | None:
    """The request that runs, or None at import, at start-up and between requests."""
    return _running.get()


def escalate() -> None:
    """Mark the request that runs in a browser, if one does, as an edge's. No app can take that back."""
    request = _running.get()
    if request is not None and request.host == "browser":
        request.escalated = True
