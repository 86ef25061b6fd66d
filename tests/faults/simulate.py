"""Runs schedules: users, an outbox, two edges and an origin on a virtual clock, each from its seed alone.

    python tests/faults/simulate.py --schedules 10000        all seeds from 0
    python tests/faults/simulate.py --seed 4711 --story      one of them, with all that happens in it

`--bug NAME` breaks one promise, which is then to be found. Exit status 1: something was found.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import wrong_origin
from bookkeeping import Bookkeeping
from outbox import OutboxBrowser
from virtual import Stalled, VirtualLoop
from world import Trouble, World

from edge.verify.history import History
from edge.verify.judge import judge
from edge.verify.run import brief
from edge.verify.scenario import Records
from edge.verify.user import Gone, Stuck, User
from origin import dump
from origin.database import open_reader

USERS, BROWSERS = 2, 2
LONGEST = 40 * 86_400.0  # seconds of virtual time
OUTBOX_BUG = "early-delete"
BUGS = (OUTBOX_BUG, *wrong_origin.BUGS)


class Outcome(NamedTuple):
    """What one schedule came to; `mark` is a digest of its history."""

    seed: int
    found: list[str]
    writes: int
    mark: str


def simulate(seed: int, bug: str = "", keep: Path | None = None) -> Outcome:
    """Run one schedule from beginning to end."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            try:
                return runner.run(_simulate(seed, bug, folder, keep or folder / "history.jsonl"))
            except Stalled as error:
                return Outcome(seed, [f"liveness: {error}"], 0, "")
    finally:
        shutil.rmtree(folder)


async def _simulate(seed: int, bug: str, folder: Path, file: Path) -> Outcome:
    with History(file, asyncio.get_running_loop().time) as history:
        history.add("run", seed=seed, spec="ledger:app")
        world = World(seed, history, folder)
        world.start()
        books, trouble = Bookkeeping(rounds=4), Trouble(world, history)
        browsers = [OutboxBrowser(world.line, 100 + n, hasty=bug == OUTBOX_BUG) for n in range(BROWSERS)]
        users = [User(world.line, number + 1) for number in range(USERS)]
        visits = [_ends(user, books.visit(user)) for user in users]
        visits += [_ends(browser, browser.live()) for browser in browsers]
        async with asyncio.timeout(LONGEST):
            results = await asyncio.gather(*visits)
        await trouble.over()
        await world.quiet()
        found = [one for result in results for one in result]
        for browser in browsers:
            found += await _marks(browser)
        world.origin.kill()
        connection = open_reader(folder / "origin.db")
        stored = list(dump.rows(connection))
        connection.close()
        for row in stored:
            history.add(**brief(row))
        judgement = judge(history.rows)
        records = Records(stored)
        found += [f"{one.rule}: {one.sentence} [{one.key}]" for one in judgement.findings]
        found += [f"app: {sentence}" for sentence in books.check(records)]
        found += [f"app: {sentence}" for browser in browsers for sentence in browser.wrong(records)]
        mark = hashlib.sha256(repr(history.rows).encode()).hexdigest()[:16]
        return Outcome(seed, found, judgement.figures["writes"], mark)


async def _ends(user: User, visit: Coroutine[Any, Any, None]) -> list[str]:
    try:
        await user.arrive()
        await visit
    except Gone:
        visit.close()
    except Stuck as error:
        return [f"liveness: {error}"]
    except AssertionError as error:
        return [f"app: visit {user.visit}: {error}"]
    return []


async def _marks(browser: OutboxBrowser) -> list[str]:
    """Whether the page says what the user has been told."""
    if browser.ended:
        return []
    page = await browser.get("/")
    browser.subject = browser.seen_as()
    return [] if browser.shows_marks(page) else [f"app: the state of visit {browser.visit} lacks marks"]


def _one(work: tuple[int, str]) -> Outcome:
    return simulate(*work)


def _begin(bug: str) -> None:
    logging.disable(logging.CRITICAL)
    if bug and bug != OUTBOX_BUG:
        wrong_origin.plant(bug)


def _outcomes(seeds: Sequence[int], bug: str, processes: int) -> Iterator[Outcome]:
    with multiprocessing.get_context("spawn").Pool(processes, _begin, (bug,)) as pool:
        yield from pool.imap(_one, ((seed, bug) for seed in seeds), chunksize=4)


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate schedules of failures.")
    parser.add_argument("--schedules", type=int, default=1, metavar="N", help="how many (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first (default: 0)")
    parser.add_argument("--bug", choices=BUGS, default="", help="a promise to break")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="at a time (default: 1)")
    parser.add_argument("--story", action="store_true", help="print the history of the one schedule")
    options = parser.parse_args()
    if options.story:
        _begin(options.bug)
        with tempfile.NamedTemporaryFile() as file:
            outcome = simulate(options.seed, options.bug, Path(file.name))
            sys.stdout.write(Path(file.name).read_text())
        sys.stdout.write("".join(f"{line}\n" for line in [*outcome.found, outcome.mark]))
        return 1 if outcome.found else 0
    began, bad, writes = time.monotonic(), 0, 0
    seeds = range(options.seed, options.seed + options.schedules)
    for number, outcome in enumerate(_outcomes(seeds, options.bug, options.processes), start=1):
        writes += outcome.writes
        if outcome.found:
            bad += 1
            again = f"python {sys.argv[0]} --seed {outcome.seed} --story"
            again += f" --bug {options.bug}" if options.bug else ""
            sys.stdout.write(f"seed {outcome.seed}: {'; '.join(outcome.found[:3])}\n  {again}\n")
        if number % 100 == 0:
            sys.stderr.write(f"{number}/{len(seeds)} schedules, {bad} bad\n")
    spent = time.monotonic() - began
    sys.stdout.write(f"{len(seeds)} schedules, {writes} writes, {bad} bad, {spent:.0f} s\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
