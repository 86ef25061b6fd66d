"""Whether a client is still there: frameworks take any `OSError` of an app for one that has gone away."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Send


class Presence:
    """A connection's own `receive` and `send`; `gone`: one of them has said that nobody is left."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.gone = False
        self._receive = receive
        self._send = send

    async def receive(self) -> Any:
        """The ASGI `receive`."""
        message = await self._receive()
        self.gone = self.gone or message["type"] == "http.disconnect"
        return message

    async def send(self, message: Any) -> None:
        """The ASGI `send`; raises `OSError` when the client has gone away (ASGI HTTP spec 2.4)."""
        try:
            await self._send(message)
        except OSError:
            self.gone = True
            raise
