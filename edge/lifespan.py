"""The lifespan of a host around that of its app (ASGI lifespan spec 2.0)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("edgekit")


async def run_lifespan(
    app: ASGIApp, close: Callable[[], Awaitable[None]], scope: Scope, receive: Receive, send: Send
) -> None:
    """Run the app's lifespan; `close` the host once the app has shut down, or has refused to start.

    Plain ASGI apps may know nothing of lifespans. They say so by raising, or by just returning, and that
    must not take away the host that their requests need.
    """
    heard, said = False, False

    async def hear() -> Any:
        nonlocal heard
        heard = True
        return await receive()

    async def say(message: Any) -> None:
        nonlocal said
        said = True
        if message["type"] != "lifespan.startup.complete":
            await close()
        await send(message)

    try:
        await app(scope, hear, say)
    except Exception:
        if said:
            raise
        logger.info("the app does not speak lifespan", exc_info=logger.isEnabledFor(logging.DEBUG))
    if said:
        return
    if not heard:
        await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await close()
    await send({"type": "lifespan.shutdown.complete"})


async def refuse_to_start(reason: Exception, receive: Receive, send: Send) -> None:
    """Let the server say in one sentence why it cannot begin, and end."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": str(reason)})
