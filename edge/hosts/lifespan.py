"""Runs an app's lifespan (ASGI lifespan spec 2.0) where no server does it: once per instance."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.types import ASGIApp

logger = logging.getLogger("edgekit")


class Lifespan:
    """`state` is what the app put there at start-up; each request gets a copy."""

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the app. An app that does not speak lifespan is simply started.

        Raises RuntimeError with the app's own message if it refuses to start.
        """
        self._task = asyncio.ensure_future(self._run())
        await self._events.put({"type": "lifespan.startup"})
        failure = await self._answer
        if failure:
            raise RuntimeError(failure)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._events.get, self._send)
        except Exception:  # "unsupported" is said by raising: ASGI lifespan spec
            logger.debug("the app does not speak lifespan", exc_info=True)
        self._settle("")

    async def _send(self, message: Any) -> None:
        if message["type"] == "lifespan.startup.failed":
            self._settle(message.get("message") or "the app refused to start")
        else:
            self._settle("")

    def _settle(self, failure: str) -> None:
        if not self._answer.done():
            self._answer.set_result(failure)
