"""Processes that are kept running: started again when they die, and with the parent they all end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import ClassVar

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a process that died is started again
LONG_LIFE = 10.0  # seconds after which a process counts as healthy: the next pause is the first again
START_LIMIT = 30.0  # seconds a new edge may take until it accepts connections
STOP_LIMIT = 3.0  # seconds from SIGTERM to SIGKILL
LINES = 60  # of what a command says, the last
READY = "ready\n"  # what an edge says when it accepts connections
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
        self, command: Sequence[str], descriptors: Sequence[int] = (), output: int | None = None
    ) -> asyncio.subprocess.Process:
        """A new process of this group. Nothing of it goes to stdout: that belongs to the ready line."""
        output = self._output if output is None else output
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=self._environment,
            pass_fds=descriptors,
            process_group=self._leader.pid,
        )

    async def ask(self, command: Sequence[str], shown: Callable[[bytes], object]) -> tuple[int, str]:
        """Run a command to its end; its exit code and the last of its lines, each of which is `shown`."""
        reading, writing = os.pipe()
        try:
            process = await self.start(command, output=writing)
        finally:
            os.close(writing)
        said: deque[bytes] = deque(maxlen=LINES)
        try:
            async for line in _lines(reading):
                shown(line)
                said.append(line)
            return await process.wait(), b"".join(said).decode("utf-8", "replace")
        except asyncio.CancelledError:
            await stop(process)
            raise

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
        # Not `process.send_signal`: that asks for the exit status first, which then nobody has for asyncio.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
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

    @property
    def runs(self) -> bool:
        """Whether there is one."""
        return self._process is not None

    async def start(self) -> str:
        """Start it, or replace it by a new one; returns why the new one is not in charge, if it is not."""
        async with self._starting:
            return await self._replace()

    async def _replace(self) -> str:
        await self.stop()
        self._take(await self._group.start(self._command, self._descriptors))
        return ""

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

    def __init__(
        self,
        group: Group,
        command: Callable[[], Sequence[str]],
        descriptors: Sequence[int],
        check: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(group, command(), descriptors)
        self._make, self._check = command, check  # asked anew each time: a catalog may come and go

    async def _replace(self) -> str:
        if check := self._check():  # before the old one ends
            code, said = await self._group.ask(check, _show)
            if code:
                return said
        self._command = self._make()
        return await super()._replace()


class Edge(Kept):
    """The native edge: a new process takes over once it accepts connections; if it cannot, the old
    one stays."""

    name = "the edge"

    async def _replace(self) -> str:
        reading, writing = os.pipe()
        try:
            process = await self._group.start([*self._command, str(writing)], [*self._descriptors, writing])
        finally:
            os.close(writing)
        try:
            said = await heard(reading)
        except asyncio.CancelledError:
            await stop(process)
            raise
        if said != READY:
            await stop(process)
            return said or "it ended before it accepted a connection"
        old = self._process
        self._take(process)
        if old is not None:
            await stop(old)
        return ""


async def heard(descriptor: int) -> str:
    """What a process says of its start: `READY`, or what went wrong. Closes `descriptor`."""
    said = b""
    try:
        async with asyncio.timeout(START_LIMIT):
            async for line in _lines(descriptor):
                if line == READY.encode():
                    return READY
                said += line
    except TimeoutError:
        return f"it did not accept connections within {START_LIMIT:.0f} s"
    return said.decode("utf-8", "replace")


async def _lines(descriptor: int) -> AsyncIterator[bytes]:
    """The lines that arrive until the other end is closed. Closes `descriptor`."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        async for line in reader:
            yield line
    finally:
        transport.close()


def _show(line: bytes) -> None:
    os.write(2, line)


def _why(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
