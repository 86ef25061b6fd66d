"""Runs origin, edge and release builds, and watches the sources.

This process holds the listening sockets and lends them to its children, so no change-over and no
crash of a child refuses a connection: it waits in the backlog until the next child accepts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from watchfiles import Change, DefaultFilter

from ..keys import load_or_create
from ..private_files import open_private
from ..public_address import is_loopback
from ..release import BuildError
from ..release.sources import app_files, parse_target, refuse_unknown
from .failures import Failures, StandIn, without_steps
from .listening import BACKLOG, listen, refusal, url
from .plan import Plan
from .processes import Edge, Group, Origin
from .sources import Part, find
from .watch import watch

WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - what a user may have asked for
POLL = 0.05  # seconds between two health checks while starting
EVERYTHING: frozenset[Part] = frozenset({"origin", "edge", "release"})
logger = logging.getLogger("edgekit.serve")


def run(
    spec: str,
    app_dir: Path,
    host: str,
    port: int,
    data: Path,
    reload: bool,
    edges: Iterable[str] = (),
    address: str | None = None,
    include: Collection[str] = (),
    exclude: Iterable[str] = (),
) -> int:
    """Serve `spec` (`module:app`, found in `app_dir`) on `host`:`port` (0 picks a free port) until
    SIGINT, SIGTERM or SIGHUP; returns the exit code.

    Prints one line `ready http://HOST:PORT` to stdout when origin, edge and release answer;
    everything else goes to stderr. `data` holds the database, the keys and the release; `edges` are origins
    of further edges, as for `edgekit build`. `address` is the web origin under which people reach the site;
    without it that is `host` if that is one, else this machine's names. `include`, `exclude` as in a build.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    for chatty in ("httpx2", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    app_dir, data = app_dir.resolve(), data.resolve()
    try:  # what no change of the sources can cure
        target = parse_target(spec, app_dir)
        refuse_unknown(target, app_files(target, include, ()))
    except BuildError as error:
        logger.error("%s", error)
        return 1
    contents = [f"--include={name}" for name in include] + [f"--exclude={name}" for name in exclude]
    sources = find(spec, app_dir, include)
    plan = Plan(spec, app_dir, data, reload, sources, tuple(edges), address, tuple(contents))
    try:
        load_or_create(plan.keys)
        load_or_create(plan.data, "origin")
        plan.release.mkdir(exist_ok=True)
        lock = open_private(data / "serve.lock")
    except OSError as error:
        logger.error(
            "Nothing can be kept in %s: %s; choose another folder with --data.", data, error.strerror
        )
        return 1
    except ValueError as error:
        logger.error("A file of keys in %s cannot be used: %s.", data, error)
        return 1
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.error("%s is in use by another server: end that, or choose another with --data.", data)
            return 1
        try:
            public = listen(host, port)
        except OSError as error:
            logger.error("%s", refusal(error, host, port))
            return 1
        with public, listen("127.0.0.1", 0) as inner:
            return asyncio.run(Supervisor(plan, host, public, inner).run())


class SourceFilter(DefaultFilter):
    """Leaves out what is no source: what editors and builds leave behind, such as the lock of the app.

    Logs, too: each build writes to them, so one that lies beside the app would ask for the next build.
    """

    ignore_entity_patterns = (
        *DefaultFilter.ignore_entity_patterns,
        *(r"^\.", r"^edgekit\.lock$", r"\.log$", r"^nohup\.out$"),
    )

    def __call__(self, change: Change, path: str) -> bool:
        return super().__call__(change, path) and not is_output(path)


def is_output(path: str) -> bool:
    """Whether this process writes its standard output or errors to that file (`2> err`)."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    for stream in (1, 2):
        with contextlib.suppress(OSError):  # closed
            if os.path.samestat(found, os.fstat(stream)):
                return True
    return False


class Supervisor:
    """Starts the parts of `plan` on two listening sockets and keeps them up to date."""

    def __init__(self, plan: Plan, host: str, public: socket.socket, inner: socket.socket) -> None:
        self._plan = plan
        self._url = url(host, public)
        address = plan.address or (
            ""
            if is_loopback(host.lower() if ":" not in host else f"[{host}]") or host in WILDCARDS
            else self._url
        )
        # Under which name the edge answers, whatever address the socket has.
        self._host = urlsplit(address or "//localhost").netloc
        self._inner_url = url("127.0.0.1", inner)
        self._group = Group(
            {
                **os.environ,
                "EDGEKIT_ORIGIN": self._inner_url,
                "EDGEKIT_ORIGIN_KEYS": str(plan.data / "origin-public.json"),
                "EDGEKIT_KEYS": str(plan.keys / "edge-private.json"),
                "EDGEKIT_RELEASE": str(plan.release),
                "EDGEKIT_ADDRESS": address,
                **({"EDGEKIT_DEVELOPMENT": "1", "EDGEKIT_FAILURE": str(plan.failure)} if plan.reload else {}),
                "PYTHONSAFEPATH": "1",  # the current folder is nobody's package
            }
        )
        self._origin = Origin(
            self._group,
            lambda: plan.origin_command(inner.fileno()),
            [inner.fileno()],
            plan.check_command,
        )
        self._edge = Edge(
            self._group,
            plan.edge_command(public.fileno()),
            [public.fileno()],
        )
        self._failures = Failures(plan.failure)
        self._stand_in = StandIn(public, BACKLOG, self._failures)
        self._up: set[Part] = set()
        self._complete = asyncio.Event()
        self._ready = False
        self._stale: set[Part] = set(EVERYTHING)
        self._news = asyncio.Event()

    async def run(self) -> int:
        """Work until a signal arrives (0), or until the app turns out not to start and nobody waits
        for it to be repaired (1)."""
        stopped = asyncio.Event()

        def stop_for(reason: signal.Signals) -> None:
            logger.info("%s: stopping", reason.name)
            stopped.set()

        for reason in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(reason, stop_for, reason)
        endless = [self._origin.keep(), self._edge.keep(), self._announce()]
        if self._plan.reload:
            endless.append(self._watch())
        tasks = [asyncio.ensure_future(one) for one in (self._work(), stopped.wait(), *endless)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            return 0 if stopped.is_set() else 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(self._origin.stop(), self._edge.stop(), self._stand_in.stop())
            self._group.end()

    async def _watch(self) -> None:
        sources = self._plan.sources
        wanted = SourceFilter(ignore_paths=[str(self._plan.data)])
        async for paths in watch(lambda: list(sources.folders()), wanted):
            logger.info("changed: %s", ", ".join(path.name for path in paths))
            self._stale |= sources.affected(paths)
            self._news.set()

    async def _work(self) -> None:
        """Bring what is stale up to date, again and again; returns if it cannot get better."""
        while True:
            self._news.clear()
            stale, self._stale = self._stale, set()
            began = time.monotonic()
            renewed = await self._renew_or_begin_anew(stale)
            if renewed is None:
                continue
            self._up |= renewed
            if self._up == EVERYTHING:
                self._complete.set()
            if renewed == stale and self._ready:
                logger.info("live after %.1f s: %s", time.monotonic() - began, ", ".join(sorted(stale)))
            elif renewed != stale and self._plan.reload:
                broken = ", ".join(sorted(stale - renewed))
                kept = "the old one goes on" if self._ready else "waiting for a change"
                logger.error("failed: %s; %s", broken, kept)
                self._stale |= stale - renewed
            elif renewed != stale:
                return
            await self._news.wait()

    async def _renew_or_begin_anew(self, stale: set[Part]) -> set[Part] | None:
        """As `_renew`; None if what it works on changes meanwhile: an import may take a minute, or hang."""
        working, news = asyncio.ensure_future(self._renew(stale)), asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait([working, news], return_when=asyncio.FIRST_COMPLETED)
            if working.done() or not stale & self._stale:
                return await working
            self._stale |= stale
            return None
        finally:
            for task in (working, news):
                task.cancel()
            await asyncio.gather(working, news, return_exceptions=True)

    async def _renew(self, parts: Collection[Part]) -> set[Part]:
        """Start or build these parts, all at the same time; returns those that work."""
        actions = {"origin": self._origin.start, "edge": self._edge.start, "release": self._build}

        async def renew(part: Part) -> bool:
            why = await actions[part]()
            self._failures.note(part, why)
            if part == "edge" and not self._edge.runs:
                await self._stand_in.start()
            elif part == "edge":
                await self._stand_in.stop()
            return not why

        chosen: list[Part] = [part for part in EVERYTHING if part in parts]
        results = await asyncio.gather(*map(renew, chosen))
        return {part for part, works in zip(chosen, results, strict=True) if works}

    async def _build(self) -> str:
        """Build the release; returns what is wrong, if something is."""
        command = self._plan.build_command()
        code, said = await self._group.ask(command, lambda line: os.write(2, line))
        return "" if code == 0 else without_steps(said)

    async def _announce(self) -> None:
        """Print the line that others wait for once everything answers; never returns."""
        await self._complete.wait()
        async with httpx2.AsyncClient(trust_env=False) as client:
            await _answered(client, f"{self._inner_url}/health", "localhost")
            for path in ("health", "manifest.json"):
                await _answered(client, f"{self._url}/_edge/{path}", self._host)
        self._ready = True
        sys.stdout.write(f"ready {self._url}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


async def _answered(client: httpx2.AsyncClient, url: str, host: str) -> None:
    """Ask until the answer is 200."""
    while True:
        with contextlib.suppress(httpx2.TransportError):
            if (await client.get(url, headers={"host": host})).status_code == 200:
                return
        await asyncio.sleep(POLL)
