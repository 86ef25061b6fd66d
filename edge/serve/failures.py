"""What does not work while an app is developed, told to the browser: alone, or over the old page."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
import socket
from pathlib import Path

from ..release.files import write
from .sources import Part

HEAD_LIMIT = 65_536  # bytes of a request that are read
HEAD_TIME = 5.0  # seconds
PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2"><title>The app does not start</title>
<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
max-width: 60rem; padding: 0 1rem }}
pre {{ overflow-x: auto; padding: 1rem; border: 1px solid; white-space: pre-wrap }}
</style><h1>The app does not start</h1><p>This page is replaced by the app as soon as it does.</p>{0}</html>
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STEP = re.compile(r"[a-z][a-z ]{0,9} +(?:cached|\d+\.\d\d s)(?:  .*)?$")
WHAT = {"origin": "The origin", "edge": "The app", "release": "The release for browsers"}


class Failures:
    """What is broken now, by part; kept in `file` too, where the edge that still runs finds it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._broken: dict[Part, str] = {}
        self._keep()

    def note(self, part: Part, why: str) -> None:
        """A part is broken for this reason, or works again (empty)."""
        self._broken.pop(part, None)
        if why:
            self._broken[part] = why.strip()
        self._keep()

    @property
    def text(self) -> str:
        """All of it in plain text; empty if nothing is broken."""
        return "\n\n".join(f"{WHAT[part]}:\n{why}" for part, why in sorted(self._broken.items()))

    def page(self) -> bytes:
        """All of it as a page."""
        parts = (
            f"<h2>{WHAT[part]}</h2><pre>{html.escape(why)}</pre>"
            for part, why in sorted(self._broken.items())
        )
        return PAGE.format("".join(parts) or "<p>It is being started.</p>").encode()

    def _keep(self) -> None:
        with contextlib.suppress(OSError):
            write(self._file, self.text.encode())


class StandIn:
    """Answers on the site's socket while there is no edge: quickly, and with the reason."""

    def __init__(self, listening: socket.socket, backlog: int, failures: Failures) -> None:
        self._listening = listening
        self._backlog = backlog
        self._failures = failures
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer; harmless if it does already."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._answer, sock=self._listening.dup(), limit=HEAD_LIMIT, backlog=self._backlog
            )

    async def stop(self) -> None:
        """Leave the socket to others."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(HEAD_TIME):
                await reader.readuntil(b"\r\n\r\n")
            body = self._failures.page()
            fields = {
                "content-type": "text/html; charset=utf-8",
                "content-length": str(len(body)),
                "content-security-policy": POLICY,
                "cache-control": "no-store",
                "retry-after": "2",
                "x-content-type-options": "nosniff",
                "connection": "close",
            }
            lines = [
                "HTTP/1.1 503 Service Unavailable",
                *(f"{name}: {value}" for name, value in fields.items()),
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


def without_steps(said: str) -> str:
    """What a failed build says, without the steps that succeeded."""
    return "".join(line for line in said.splitlines(keepends=True) if not STEP.match(line))
