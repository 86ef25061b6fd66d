"""Who may change a record next (case C1). No test waits: a lease of 0 s ends in the loop's next round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edge.errors import Problem
from origin.turns import Turns

pytestmark = pytest.mark.anyio

LONG = 1000.0  # seconds; longer than any test


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Versions:
    """Records with versions, and commits that name the versions they saw."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.now: dict[str, int] = {}
        self.tries = 0

    def write(self, **seen: int) -> Callable[[], Awaitable[str]]:
        async def apply() -> str:
            self.tries += 1
            await asyncio.sleep(0)
            if any(self.now.get(name, 0) != version for name, version in seen.items()):
                raise Problem("version-conflict")
            for name in seen:
                self.now[name] = self.now.get(name, 0) + 1
            return "done"

        return apply

    async def commit(self, who: str, *, gone: bool = False, **seen: int) -> Any:
        async def listens() -> bool:
            return not gone

        return await self.turns.commit(who, list(seen), [], self.write(**seen), listens)

    async def add(self, who: str, *names: str) -> Any:
        """An increment: depends on nothing."""

        async def apply() -> str:
            self.tries += 1
            for name in names:
                self.now[name] = self.now.get(name, 0) + 1
            return "done"

        async def listens() -> bool:
            return True

        return await self.turns.commit(who, [], list(names), apply, listens)


async def refused(commit: Awaitable[Any]) -> Problem:
    with pytest.raises(Problem, match="version-conflict") as caught:
        await commit
    return caught.value


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_forty_who_read_and_write_need_two_tries_each() -> None:
    records = Versions(Turns(LONG, LONG))
    told = []

    async def writer(who: str) -> None:
        while True:
            try:
                await records.commit(who, tea=records.now.get("tea", 0))
            except Problem as problem:
                told.append(problem.members)
                await asyncio.sleep(0)  # the handler runs
            else:
                return

    await asyncio.gather(*(writer(f"writer-{number}") for number in range(40)))
    assert records.now == {"tea": 40}
    assert records.tries == 40 + 39
    assert told == 39 * [{"turn": True}]


async def test_a_refusal_is_told_when_its_turn_has_come() -> None:
    records = Versions(Turns(LONG, LONG))
    records.now["tea"] = 1
    assert (await refused(records.commit("ann", tea=0))).members == {"turn": True}
    waiting = asyncio.create_task(records.commit("bob", tea=0))
    await settle()
    assert not waiting.done()
    assert await records.commit("ann", tea=1) == "done"
    assert (await refused(waiting)).members == {"turn": True}
    assert await records.commit("bob", tea=2) == "done"


async def test_who_is_not_in_the_way_does_not_wait() -> None:
    records = Versions(Turns(LONG, LONG))
    await refused(records.commit("ann", tea=7))
    assert await records.commit("bob", coffee=0) == "done"


async def test_an_increment_does_not_come_between_and_those_behind_it_do_not_wait_for_the_disk() -> None:
    records = Versions(Turns(LONG, LONG))
    await refused(records.commit("ann", tea=7))
    adding = [asyncio.create_task(records.add(f"adder-{number}", "tea")) for number in range(3)]
    await settle()
    assert records.now == {}
    assert await records.commit("ann", tea=0) == "done"
    await asyncio.gather(*adding)
    assert records.now == {"tea": 4}


async def test_whoever_does_not_come_back_loses_the_turn() -> None:
    records = Versions(Turns(lease=0, wait=LONG))
    await refused(records.commit("ann", tea=7))
    assert await records.commit("bob", tea=0) == "done"
    # And may come back all the same, as anybody else.
    assert (await refused(records.commit("ann", tea=0))).members == {"turn": True}


async def test_nothing_is_kept_for_somebody_who_has_gone() -> None:
    records = Versions(Turns(LONG, LONG))
    assert (await refused(records.commit("ann", gone=True, tea=7))).members == {}
    assert await records.commit("bob", tea=0) == "done"


async def test_who_waits_too_long_tries_without_a_turn() -> None:
    records = Versions(Turns(LONG, wait=0))
    await refused(records.commit("ann", tea=7))
    assert (await refused(records.commit("bob", tea=7))).members == {}
    assert await records.commit("cora", tea=0) == "done"


async def test_a_line_has_an_end() -> None:
    records = Versions(Turns(LONG, LONG, longest=2))
    await refused(records.commit("ann", tea=7))
    waiting = asyncio.create_task(records.commit("bob", tea=7))
    await settle()
    assert (await refused(records.commit("cora", tea=7))).members == {}
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await records.commit("ann", tea=0)
    assert await records.commit("dora", tea=1) == "done"


async def test_two_records_in_either_order_block_nobody() -> None:
    records = Versions(Turns(LONG, LONG))
    records.now = {"tea": 1, "milk": 1}

    async def writer(who: str, *names: str) -> None:
        seen = dict.fromkeys(names, 0)
        while True:
            try:
                return await records.commit(who, **seen)
            except Problem:
                seen = {name: records.now[name] for name in names}

    await asyncio.gather(writer("ann", "tea", "milk"), writer("bob", "milk", "tea"), writer("cora", "milk"))
    assert records.now == {"tea": 3, "milk": 4}


async def test_the_next_run_may_read_more_than_the_last() -> None:
    records = Versions(Turns(LONG, LONG))
    records.now = {"milk": 1}
    await refused(records.commit("ann", tea=7))
    assert (await refused(records.commit("ann", tea=0, milk=0))).members == {"turn": True}
    assert await records.commit("ann", tea=0, milk=1) == "done"
    assert await records.commit("bob", tea=1) == "done"


async def test_the_same_request_by_two_edges_keeps_one_turn() -> None:
    records = Versions(Turns(LONG, LONG))
    first = asyncio.create_task(refused(records.commit("ann", tea=7)))
    second = asyncio.create_task(refused(records.commit("ann", tea=7)))
    await settle()
    await records.commit("ann", tea=0)
    await settle()
    await records.commit("ann", tea=1)
    await asyncio.gather(first, second)
    assert await records.commit("bob", tea=2) == "done"


async def test_what_else_goes_wrong_ends_the_turn() -> None:
    turns = Turns(LONG, LONG)
    records = Versions(turns)
    await refused(records.commit("ann", tea=7))

    async def broken() -> None:
        raise Problem("origin-unavailable")

    async def listens() -> bool:
        return True

    with pytest.raises(Problem, match="origin-unavailable"):
        await turns.commit("ann", ["tea"], [], broken, listens)
    assert await records.commit("bob", tea=0) == "done"
