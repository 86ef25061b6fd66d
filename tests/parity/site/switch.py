"""All examples as one ASGI app: the header `parity` of a request says which of them answers.

So one server, one interpreter and one release serve for hundreds of apps. The header's value is
`SESSION MODULE:ATTRIBUTE`; each session has its module imported afresh and its start-up run, as a server of
its own would have, in a folder of its own with the files that its tests put there.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HEADER = b"parity"
EXAMPLES = "docs_src"
BESIDE = Path(__file__).with_name("beside")  # files of the sessions, a folder each
KEPT = 40  # sessions; a browser's outbox may be some requests behind
WRITTEN = 1_000_000_000  # when the files of every session were changed last, seconds since 1970
NO_APP = "text/x-no-app"  # type of the answer for an example that cannot be imported or started
PAGE = "<!doctype html><link rel=icon href=data:,><title>Parity</title>"
SETTINGS = {"ADMIN_EMAIL": "admin@example.com"}  # what docs_src/settings wants to find


class Switch:
    """The ASGI app. Whatever is asked of it without the header is not found."""

    def __init__(self) -> None:
        self._sessions: dict[str, Example] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _start_and_stop(receive, send)
            return
        named = dict(scope["headers"]).get(HEADER, b"").decode()
        if not named:
            await _say(send, 200, "text/html", PAGE)
            return
        example = self._sessions.get(named)
        if example is None:
            example = self._sessions[named] = Example(*named.split(" "))
            while len(self._sessions) > KEPT:
                self._sessions.pop(next(iter(self._sessions))).stop()
        failure = await example.start()
        if failure is not None:
            await _say(send, 418, NO_APP, failure)
            return
        headers = [pair for pair in scope["headers"] if pair[0] != HEADER]
        os.chdir(example.folder)
        random.seed(0)  # so that everybody draws the same
        state = {**scope.get("state", {}), **example.state}
        await example.app({**scope, "headers": headers, "state": state}, receive, send)


class Example:
    """One app, imported for one session."""

    def __init__(self, session: str, spec: str) -> None:
        self.app: Any = None
        self.state: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp())
        self._spec = spec
        self._failure: str | None = None
        self._lifespan: asyncio.Task[None] | None = None
        if (BESIDE / session).is_dir():
            shutil.copytree(BESIDE / session, self.folder, dirs_exist_ok=True)
        for file in self.folder.rglob("*"):  # FileResponse tells their times
            os.utime(file, (WRITTEN, WRITTEN))

    async def start(self) -> str | None:
        """Import and start the app unless that is done; returns why it cannot be."""
        if self.app is None and self._failure is None:
            try:
                os.chdir(self.folder)
                os.environ.update(SETTINGS)
                self.app = _import_afresh(self._spec)
                await self._start()
            except Exception as error:
                self.app = None
                if type(error).__name__ == "NeedsEdge":  # a module that comes late: not for good
                    raise
                self._failure = f"{type(error).__name__}: {error}"
        return self._failure

    def stop(self) -> None:
        if self._lifespan is not None:
            self._lifespan.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _start(self) -> None:
        """Run its start-up; as under uvicorn, an app that does not speak lifespan is simply started."""
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        asked = iter([{"type": "lifespan.startup"}])

        async def receive() -> Any:
            return next(asked, None) or await asyncio.Event().wait()

        async def send(message: Any) -> None:
            failed = message["type"] == "lifespan.startup.failed"
            _settle(answer, (message.get("message") or "failed") if failed else None)

        async def run() -> None:
            try:
                await self.app(
                    {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}, receive, send
                )
            except Exception as error:
                _settle(answer, None if isinstance(error, AssertionError) else str(error))
            _settle(answer, None)

        self._lifespan = asyncio.ensure_future(run())
        failure = await answer
        if failure is not None:
            raise RuntimeError(failure)


def _settle(answer: asyncio.Future[str | None], failure: str | None) -> None:
    if not answer.done():
        answer.set_result(failure)


def _import_afresh(spec: str) -> Any:
    module, attribute = spec.split(":")
    if sqlmodel := sys.modules.get("sqlmodel"):  # it remembers every table
        sqlmodel.SQLModel.metadata.clear()
        sqlmodel.main.default_registry.dispose()
    for name in [name for name in sys.modules if name.split(".")[0] == EXAMPLES]:
        del sys.modules[name]
    return getattr(importlib.import_module(module), attribute)


async def _start_and_stop(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _say(send: Any, status: int, kind: str, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = Switch()
