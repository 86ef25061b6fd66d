"""One run: processes, proxies, users, kills, and the judgement over what happened."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..private_files import private_folder
from ..wire import StoredResponse
from . import faults
from .fleet import Fleet, Layout, StartFailed
from .history import History, Row, digest
from .judge import Finding, Judgement, judge
from .line import Line
from .proxy import FaultProxy, ask, to_ports
from .relay import Relay
from .scenario import Records, Scenario
from .upstream import Upstream, in_digests
from .user import Gone, Stuck, User

AFTER_WRITE = 0.02  # seconds at most from a write to the kill that it sets off


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run is to reach: writes, kills and copies; then it ends. `seconds` end it sooner."""

    writes: int
    kills: int
    duplicates: int
    seconds: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    writes: int
    kills: int
    duplicates: int
    seconds: float


class Run:
    """Call `go` once. `report` hears of the progress about once a second."""

    def __init__(
        self,
        layout: Layout,
        scenario: Scenario,
        budget: Budget,
        *,
        seed: int,
        users: int,
        report: Callable[[Progress], None],
    ) -> None:
        self._layout = layout
        self._scenario = scenario
        self._budget = budget
        self._seed = seed
        self._users = users
        self._report = report
        self._visits = itertools.count(1)
        self._broken: list[Finding] = []
        self._kills = 0
        self._kill_at = budget.writes / (budget.kills + 1)
        self._over = False

    async def go(self) -> Judgement:
        """Raises `StartFailed`."""
        folder = self._layout.data
        if folder.exists():
            shutil.rmtree(folder)
        private_folder(folder)
        with History(folder / "history.jsonl", time.monotonic) as history:
            history.add("run", seed=self._seed, spec=self._layout.spec)
            await self._happen(history)
            stored = await self._stored()
            for row in stored:
                history.add(**brief(row))
            judgement = judge(history.rows)
        broken = [*self._broken, *(Finding("app", one) for one in self._scenario.check(Records(stored)))]
        return Judgement([*judgement.findings, *broken], judgement.notes, judgement.figures)

    async def _happen(self, history: History) -> None:
        fleet = Fleet(self._layout, faults.dice(self._seed, "clocks"))
        line = Line(self._seed, history, self._layout.edges, lambda message: ask(front.port, message))
        upstream = Upstream(self._seed, history)
        edges, origin = to_ports(fleet.ports[1:]), to_ports(fleet.ports[:1])
        front = FaultProxy(Relay(self._layout.edges, edges, line.decide, line.sent, line.seen))
        back = FaultProxy(Relay(1, origin, upstream.decide, upstream.sent, upstream.seen))
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(fleet.close)
            for proxy in (front, back):
                await proxy.start()
                stack.push_async_callback(proxy.close)
            await fleet.start(f"http://127.0.0.1:{back.port}")
            chance, asked = faults.dice(self._seed, "kills"), asyncio.Event()
            line.on_write = lambda: self._ask(line.ops, chance, asked)
            tasks = [asyncio.ensure_future(self._use(line)) for _ in range(self._users)]
            tasks += [
                asyncio.ensure_future(self._kill(fleet, chance, asked, history)),
                asyncio.ensure_future(self._watch(line, upstream)),
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await front.relay.quiet()
            await back.relay.quiet()
            await fleet.kill(0)  # what is stored is what survives a crash

    def _ask(self, writes: int, chance: random.Random, asked: asyncio.Event) -> None:
        if writes >= self._kill_at:
            self._kill_at += 2 * chance.random() * self._budget.writes / (self._budget.kills + 1)
            asked.set()

    async def _use(self, line: Line) -> None:
        """One place at which one visit follows the other."""
        while not self._over:
            user = User(line, next(self._visits))
            try:
                await user.arrive()
                await self._scenario.visit(user)
            except (Gone, Stuck):
                continue
            except AssertionError as error:
                self._broken.append(Finding("app", f"visit {user.visit}: {error}"))

    async def _kill(
        self, fleet: Fleet, chance: random.Random, asked: asyncio.Event, history: History
    ) -> None:
        while not self._over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asked.wait()
            if not asked.is_set() or self._over:
                continue
            asked.clear()
            victim = 0 if chance.random() < 0.4 else 1 + chance.randrange(self._layout.edges)
            await asyncio.sleep(chance.random() * AFTER_WRITE)
            history.add("kill", who=f"edge {victim}" if victim else "origin")
            self._kills += 1
            await fleet.kill(victim)

    async def _watch(self, line: Line, upstream: Upstream) -> None:
        began = time.monotonic()
        while not self._over:
            await asyncio.sleep(0.5)
            progress = Progress(
                line.ops,
                self._kills,
                line.duplicates + upstream.duplicates,
                time.monotonic() - began,
            )
            self._report(progress)
            reached = (
                progress.writes >= self._budget.writes
                and progress.kills >= self._budget.kills
                and progress.duplicates >= self._budget.duplicates
            )
            self._over = reached or progress.seconds >= self._budget.seconds
        line.calm = upstream.calm = True

    async def _stored(self) -> list[Row]:
        """What the origin has, asked in a process of its own: an edge package knows no database."""
        command = [sys.executable, "-P", "-m", "origin.dump", "--data", str(self._layout.data)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise StartFailed("What is stored cannot be read.")
        return [json.loads(line) for line in output.splitlines()]


def brief(row: Row) -> Row:
    """A row of the database as the history has it: digests in place of contents."""
    if row["kind"] == "record":
        value = row["value"]
        numbers = {name: one for name, one in (value or {}).items() if type(one) is int}
        return {**row, "value": None if value is None else digest(value), "numbers": numbers}
    if row["kind"] == "outcome":
        document = row["response"]
        response = StoredResponse(
            document["status"],
            tuple((name, value) for name, value in document["headers"]),
            base64.b64decode(document["body"]),
            document["state"],
            document["sealed"],
        )
        return {"kind": "outcome", "subject": row["subject"], "key": row["key"], **in_digests(response)}
    return row
