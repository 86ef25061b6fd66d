"""Locks and functions for an interpreter with one thread. tests/hosts/test_alone.py tries them in one."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from edge.errors import NeedsEdge
from edge.hosts import threadless
from edge.hosts.threadless import Lock, elsewhere, in_browser, sleep
from edge.running import running
from edge.types import HostName


def request(host: HostName) -> SimpleNamespace:
    return SimpleNamespace(host=host, escalated=False)


def test_a_lock_is_as_pythons_own_until_somebody_would_wait() -> None:
    for lock in (Lock(), threading.Lock()):
        with lock:
            assert lock.locked()
            assert not lock.acquire(blocking=False)
            assert not lock.acquire(timeout=0.001)
        assert not lock.locked()
        with pytest.raises(RuntimeError, match="unlocked"):
            lock.release()
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(blocking=False, timeout=1)
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(timeout=-2)


@pytest.mark.parametrize("timeout", [-1, 3600])
def test_whoever_would_wait_needs_an_edge(timeout: float) -> None:
    """Case P24."""
    lock, here = Lock(), request("browser")
    lock.acquire()
    with running(here), pytest.raises(NeedsEdge, match="thread"):
        lock.acquire(timeout=timeout)
    assert here.escalated


def test_what_is_elsewhere_is_withheld_only_there() -> None:
    function = elsewhere(lambda number: number + 1, "a thread", in_browser)
    assert function(1) == 2
    with running(request("edge")):
        assert function(1) == 2
    with running(request("browser")), pytest.raises(NeedsEdge, match="a thread"):
        function(1)


def test_nobody_sleeps_for_longer_than_an_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(threadless, "_sleep", slept.append)
    with running(request("edge")):
        sleep(2.5)
    with running(request("browser")):
        sleep(0.5)
        with pytest.raises(NeedsEdge, match="wait"):
            sleep(3600)
    assert slept == [1, 1, 0.5, 0.5]
    assert time.sleep is not sleep  # nothing is put in its place on CPython
