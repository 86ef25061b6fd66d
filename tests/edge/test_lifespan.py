"""Both sides of lifespan: run where no server does it, and wrapped around an app that may not know it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from edge import Stateless
from edge.hosts.lifespan import Lifespan
from edge.lifespan import run_lifespan

App = Callable[[Any, Any, Any], Awaitable[None]]


# Where no server does it


def start(app: App) -> Lifespan:
    async def started() -> Lifespan:
        lifespan = Lifespan(app)
        await lifespan.startup()
        return lifespan

    return asyncio.run(started())


def test_state_of_the_app_is_there_after_the_start() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, int]]:
        yield {"started": 1}

    assert start(Starlette(lifespan=lifespan)).state == {"started": 1}


def test_app_inside_the_kit_starts_as_well(make_host: Any) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, int]]:
        yield {"started": 1}

    app = Stateless(Starlette(lifespan=lifespan))
    app.bind(make_host())
    assert start(app).state == {"started": 1}


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("only HTTP here")


async def returning(scope: Any, receive: Any, send: Any) -> None:
    return None


@pytest.mark.parametrize("app", [raising, returning])
def test_app_that_does_not_speak_lifespan_is_simply_started(app: App) -> None:
    assert start(app).state == {}


def test_app_that_refuses_to_start_says_why() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="no database"):
        start(refusing)


def test_app_whose_start_breaks_does_not_start() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    with pytest.raises(RuntimeError, match="no database"):
        start(Starlette(lifespan=lifespan))


def test_app_that_refuses_without_a_reason_does_not_start_either() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})

    with pytest.raises(RuntimeError, match="refused"):
        start(refusing)


# Around an app


class Server:
    """The server's side: what it was told, and in which order the host was closed."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._events = ["lifespan.startup", "lifespan.shutdown"]

    async def _receive(self) -> dict[str, str]:
        return {"type": self._events.pop(0)}

    async def _send(self, message: Any) -> None:
        self.log.append(message["type"].removeprefix("lifespan."))

    async def _close(self) -> None:
        self.log.append("closed")

    def run(self, app: App) -> list[str]:
        asyncio.run(run_lifespan(app, self._close, {"type": "lifespan"}, self._receive, self._send))
        return self.log


def test_host_is_closed_after_the_app_and_before_the_server_hears_of_it() -> None:
    assert Server().run(Starlette()) == ["startup.complete", "closed", "shutdown.complete"]


@pytest.mark.parametrize("app", [raising, returning])
def test_host_of_an_app_without_lifespan_lives_as_long_as_the_server(app: App) -> None:
    assert Server().run(app) == ["startup.complete", "closed", "shutdown.complete"]


def test_app_that_asks_and_then_gives_up_is_one_without_lifespan() -> None:
    async def asking(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        raise ValueError

    assert Server().run(asking) == ["startup.complete", "closed", "shutdown.complete"]


def test_failed_start_is_passed_on_and_closes_the_host() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    server = Server()
    with pytest.raises(OSError, match="no database"):
        server.run(Starlette(lifespan=lifespan))
    assert server.log == ["closed", "startup.failed"]


def test_failed_shutdown_is_passed_on_and_closes_the_host() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        raise OSError("lost the database")

    server = Server()
    with pytest.raises(OSError, match="lost the database"):
        server.run(Starlette(lifespan=lifespan))
    assert server.log == ["startup.complete", "closed", "shutdown.failed"]
