"""A guest with a connection of its own: writes as a browser does, and keeps cookies."""

from __future__ import annotations

import asyncio

from edge.verify import http1


class Guest:
    """An async context manager. `url` is the edge's, without a path."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._cookies: dict[str, str] = {}

    async def __aenter__(self) -> Guest:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        await self.send("GET", "/")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, method: str, target: str, key: str = "", body: bytes = b"") -> http1.Message:
        """The answer; a body is JSON."""
        fields = [
            ("host", f"{self._host}:{self._port}"),
            ("sec-fetch-site", "same-origin"),
            ("accept", "application/json"),
        ]
        fields += [("idempotency-key", key)] if key else []
        fields += [("content-type", "application/json")] if body else []
        if self._cookies:
            fields.append(("cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items())))
        self._writer.write(http1.request(method, target, fields, body).encode())
        answer = await http1.read(self._reader, answers=method)
        if answer is None:
            raise http1.Broken("no answer")
        for cookie in answer.get_all("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer
