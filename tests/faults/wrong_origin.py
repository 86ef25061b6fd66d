"""The origin with one of its promises broken: `python -m wrong_origin BUG --data …`, for `Layout.origin`.

second-transaction   the key is remembered in a transaction after that of the writes
early-reply          the answer leaves before the transaction is durable
forgotten-key        the key is not looked up
fresh-answer         a retry gets the answer of the retry instead of the first one
unchecked-reads      what a commit has read is not compared
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from edge.wire import Commit, Outcome
from origin import outcomes
from origin.__main__ import main
from origin.sqlite import SQLiteStore

PAUSE = 0.05  # seconds that a window stays open
SECOND: set[str] = set()  # keys whose second transaction has come
right = SQLiteStore.commit
remembered = outcomes.remember


async def second_transaction(self: Any, principal: Any, key: str, commit: Commit, now: float) -> Outcome:
    outcome = await right(self, principal, key, commit, now)
    if not outcome.replayed:
        await asyncio.sleep(PAUSE)
        SECOND.add(key)
        await right(self, principal, key, Commit(commit.fingerprint, (), (), commit.response), now)
    return outcome


def remember(connection: Any, subject: str, key: str, *rest: Any) -> None:
    if key in SECOND:
        remembered(connection, subject, key, *rest)


async def early_reply(self: Any, principal: Any, key: str, commit: Commit, now: float) -> Outcome:
    known = await self.outcome(principal.subject, key)
    if known is not None:
        return known

    async def later() -> None:
        await asyncio.sleep(PAUSE)
        await right(self, principal, key, commit, now)

    self.late = getattr(self, "late", set())
    task = asyncio.create_task(later())
    self.late.add(task)
    task.add_done_callback(self.late.discard)
    return Outcome(replayed=False, response=commit.response)


async def forgotten_key(self: Any, principal: Any, key: str, commit: Commit, now: float) -> Outcome:
    salt = f"{key[:40]}.{time.monotonic_ns() % 10**9}"
    return await right(self, principal, salt, commit, now)


async def fresh_answer(self: Any, principal: Any, key: str, commit: Commit, now: float) -> Outcome:
    outcome = await right(self, principal, key, commit, now)
    return Outcome(outcome.replayed, commit.response)


async def unchecked_reads(self: Any, principal: Any, key: str, commit: Commit, now: float) -> Outcome:
    blind = Commit(commit.fingerprint, (), commit.writes, commit.response, commit.increments)
    return await right(self, principal, key, blind, now)


BUGS = {
    "second-transaction": second_transaction,
    "early-reply": early_reply,
    "forgotten-key": forgotten_key,
    "fresh-answer": fresh_answer,
    "unchecked-reads": unchecked_reads,
}


def plant(bug: str) -> None:
    """Break it in this process."""
    SQLiteStore.commit = BUGS[bug]  # type: ignore[method-assign]
    if bug == "second-transaction":
        outcomes.remember = remember


if __name__ == "__main__":
    plant(sys.argv[1])
    main(sys.argv[2:])
