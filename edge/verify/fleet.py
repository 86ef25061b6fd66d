"""The real processes of a deployment: one origin, some edges, each on a socket that outlives it."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..keys import load_or_create
from ..private_files import open_private
from ..serve.processes import READY, Group, heard, stop
from .http1 import Broken, request
from .proxy import ask

BACKLOG = 1024  # connections that wait while a process is away
START_LIMIT = 60.0  # seconds until a process answers
ORIGIN = ("origin",)  # the module, and what stands before its options


class StartFailed(Exception):
    """A process does not come up; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What runs, and where it is kept; paths are absolute. `origin` is a module and its first arguments,
    so that a test can put a wrong one in its place."""

    spec: str
    app_dir: Path
    data: Path
    catalog: Path | None
    edges: int
    skew: float
    origin: Sequence[str] = ORIGIN

    @property
    def log(self) -> Path:
        return self.data / "processes.log"


class Fleet:
    """Starts and kills processes. `skews` decides by how many seconds the clock of each new one is wrong.

    The edges find the origin at `origin_url`, behind a proxy; `ports` are where the processes really listen,
    the origin's first.
    """

    def __init__(self, layout: Layout, skews: random.Random) -> None:
        self._layout = layout
        self._skews = skews
        self._sockets = [
            socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) for _ in range(layout.edges + 1)
        ]
        self.ports = [one.getsockname()[1] for one in self._sockets]
        self._processes: list[asyncio.subprocess.Process | None] = [None] * (layout.edges + 1)
        self._group: Group | None = None

    async def start(self, origin_url: str) -> None:
        """Start all. Raises `StartFailed`."""
        layout = self._layout
        load_or_create(layout.data / "keys")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("EDGEKIT_")},
            "EDGEKIT_ORIGIN": origin_url,
            "EDGEKIT_KEYS": str(layout.data / "keys" / "edge-private.json"),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
        }
        with open_private(layout.log, os.O_APPEND) as log:
            self._group = Group(environment, os.dup(log.fileno()))
        await self._start(0)
        await asyncio.gather(*(self._start(number) for number in range(1, len(self.ports))))

    async def kill(self, number: int) -> None:
        """SIGKILL for process `number` (0: the origin), and a new one in its place. Raises `StartFailed`."""
        process = self._processes[number]
        assert process is not None  # noqa: S101 - they are started together
        process.kill()
        await process.wait()
        await self._start(number)

    async def close(self) -> None:
        """End them politely, and let go of the sockets."""
        await asyncio.gather(*(stop(one) for one in self._processes if one is not None))
        if self._group is not None:
            self._group.end()
        for one in self._sockets:
            one.close()

    async def _start(self, number: int) -> None:
        await (self._start_origin() if number == 0 else self._start_edge(number))

    async def _start_origin(self) -> None:
        layout, listening = self._layout, self._sockets[0].fileno()
        module, *first = layout.origin
        options = ["--data", layout.data, "--keys", layout.data / "keys" / "edge-public.json"]
        options += ["--fd", listening, "--log-level", "warning"]
        if layout.catalog is not None:
            options += ["--catalog", layout.catalog]
        self._processes[0] = process = await self._run(module, [*first, *options], [listening])
        # A request waits in the backlog of the socket until there is somebody to answer it.
        health = asyncio.ensure_future(ask(self.ports[0], request("GET", "/health", [("host", "127.0.0.1")])))
        ended = asyncio.ensure_future(process.wait())
        try:
            async with asyncio.timeout(START_LIMIT):
                await asyncio.wait([health, ended], return_when=asyncio.FIRST_COMPLETED)
            if ended.done() or (await health).status != 200:
                raise self._failure("The origin")
        except (Broken, OSError, TimeoutError) as error:
            raise self._failure("The origin") from error
        finally:
            health.cancel()
            ended.cancel()

    async def _start_edge(self, number: int) -> None:
        listening = self._sockets[number].fileno()
        reading, writing = os.pipe()
        try:
            arguments = [self._layout.spec, self._layout.app_dir, listening, writing]
            process = await self._run("edge.serve.worker", arguments, [listening, writing])
        finally:
            os.close(writing)
        self._processes[number] = process
        if await heard(reading) != READY:
            raise self._failure("An edge")

    async def _run(
        self, module: str, arguments: Sequence[object], descriptors: Sequence[int]
    ) -> asyncio.subprocess.Process:
        assert self._group is not None  # noqa: S101 - set by `start`
        skew = round(self._skews.uniform(-1, 1) * self._layout.skew, 3)
        program = [sys.executable, "-m", "edge.verify.skewed", str(skew), module]
        return await self._group.start([*program, *map(str, arguments)], descriptors)

    def _failure(self, who: str) -> StartFailed:
        return StartFailed(f"{who} does not start; {self._layout.log} says why.")
