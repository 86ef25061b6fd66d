"""Processes that are kept running: started again when they die, and with the parent they all end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import ClassVar

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a process that died is started again
LONG_LIFE = 10.0  # seconds after which a process counts as healthy: the next pause is the first again
START_LIMIT = 30.0  # seconds a new edge may take until it accepts connections
STOP_LIMIT = 3.0  # seconds from SIGTERM to SIGKILL
logger = logging.getLogger("edgekit.serve")


class Group:
    """All children, in one process group that outlives nobody.

    Its leader waits for the end of a pipe whose other end only this process holds. So the children
    end even when this process is killed and cannot say goodbye. `environment` is what they all see, and
    `output` the descriptor that they all write to.
    """

    def __init__(self, environment: Mapping[str, str], output: int = 2) -> None:
        self._environment = environment
        self._output = output
        self._leader = subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -s TERM 0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )

    async def start(
        self, command: Sequence[str], descriptors: Sequence[int] = ()
    ) -> asyncio.subprocess.Process:
        """A new process of this group. Nothing of it goes to stdout: that belongs to the ready line."""
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=self._environment,
            pass_fds=descriptors,
            process_group=self._leader.pid,
        )

    def end(self) -> None:
        """Kill what is left of the group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader.pid, signal.SIGKILL)
        self._leader.wait()
        if self._leader.stdin is not None:
            self._leader.stdin.close()


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process: politely, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
                return


class Kept:
    """A process that should always be there; `command` starts it, `descriptors` are its sockets."""

    name: ClassVar[str]

    def __init__(self, group: Group, command: Sequence[str], descriptors: Sequence[int]) -> None:
        self._group = group
        self._command = command
        self._descriptors = descriptors
        self._process: asyncio.subprocess.Process | None = None
        self._changed = asyncio.Event()
        self._starting = asyncio.Lock()

    async def start(self) -> bool:
        """Start it, or replace it by a new one; returns whether the new one is in charge."""
        async with self._starting:
            return await self._replace()

    async def _replace(self) -> bool:
        await self.stop()
        self._take(await self._group.start(self._command, self._descriptors))
        return True

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await stop(process)

    async def keep(self) -> None:
        """Start it again whenever it dies; never returns."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            process = self._process
            if process is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            began = loop.time()
            code = await process.wait()
            if process is not self._process:
                continue
            if loop.time() - began > LONG_LIFE:
                pause = FIRST_PAUSE
            logger.warning("%s ended (%s); starting it again in %g s", self.name, _why(code), pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            if process is self._process:
                await self.start()

    def _take(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._changed.set()


class Origin(Kept):
    """The origin: one process owns the database, so the old one ends before the new one starts.
    Meanwhile connections wait in the backlog of the socket, which the parent keeps open."""

    name = "the origin"


class Edge(Kept):
    """The native edge: a new process takes over once it accepts connections; if it cannot, the old
    one stays."""

    name = "the edge"

    async def _replace(self) -> bool:
        reading, writing = os.pipe()
        try:
            process = await self._group.start([*self._command, str(writing)], [*self._descriptors, writing])
        finally:
            os.close(writing)
        if not await wrote(reading):
            await stop(process)
            return False
        old = self._process
        self._take(process)
        if old is not None:
            await stop(old)
        return True


async def wrote(descriptor: int) -> bool:
    """Whether a byte arrives in time; False too when the other end is closed. Closes `descriptor`."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        async with asyncio.timeout(START_LIMIT):
            return await reader.read(1) != b""
    except TimeoutError:
        return False
    finally:
        transport.close()


def _why(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
