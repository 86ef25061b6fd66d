"""How sessions end; what follows for whole requests is in test_sessions.py and test_devices.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.errors import Problem
from edge.host import Host
from edge.leaving import end, sign_out
from edge.tokens import Session
from edge.types import Principal

ANN = Session("ann", "s" * 22, False, 5, 3, {})
GUEST = Session("guest:one", "g" * 22, True, 5, 0, {})


class Origin:
    def __init__(self, problem: str = "") -> None:
        self.ended: list[tuple[Principal, bool]] = []
        self._problem = problem

    async def end_session(self, principal: Principal, *, everywhere: bool) -> None:
        if self._problem:
            raise Problem(self._problem)
        self.ended.append((principal, everywhere))


@pytest.mark.parametrize("session", [None, GUEST])
def test_who_is_no_user_needs_no_origin(make_host: Callable[..., Host], session: Session | None) -> None:
    origin = Origin("origin-unavailable")
    asyncio.run(end(make_host(origin=origin), session))
    assert origin.ended == []


@pytest.mark.parametrize("everywhere", [False, True])
def test_the_origin_is_told_and_the_browser_forgets(
    make_host: Callable[..., Host], make_scope: Callable[..., Any], everywhere: bool
) -> None:
    origin = Origin()
    headers = asyncio.run(sign_out(make_host(origin=origin), make_scope(), ANN, everywhere=everywhere))
    assert origin.ended == [(Principal("ann", "s" * 22, 3), everywhere)]
    assert [name for name, _ in headers].count(b"set-cookie") == 4
    assert (b"clear-site-data", b'"cache"') in headers


def test_without_the_origin_only_this_browser_forgets(
    make_host: Callable[..., Host], make_scope: Callable[..., Any]
) -> None:
    """case T12"""
    host = make_host(origin=Origin("origin-unavailable"))
    assert len(asyncio.run(sign_out(host, make_scope(), ANN, everywhere=False))) > 4
    with pytest.raises(Problem, match="origin-unavailable"):
        asyncio.run(sign_out(host, make_scope(), ANN, everywhere=True))


def test_an_origin_that_hangs_keeps_nobody(
    make_host: Callable[..., Host], make_scope: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def end_session(self, principal: Principal, *, everywhere: bool) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("edge.leaving.PATIENCE", 0)
    headers = asyncio.run(sign_out(make_host(origin=Hanging()), make_scope(), ANN, everywhere=False))
    assert [name for name, _ in headers].count(b"set-cookie") == 4


def test_what_the_origin_does_not_understand_is_no_sign_out(
    make_host: Callable[..., Host], make_scope: Callable[..., Any]
) -> None:
    host = make_host(origin=Origin("origin-invalid"))
    with pytest.raises(Problem, match="origin-invalid"):
        asyncio.run(sign_out(host, make_scope(), ANN, everywhere=False))
