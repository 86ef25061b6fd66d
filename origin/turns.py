"""Whose commit is next, where several want to change the same record.

A commit whose reads are out of date is refused, and its handler runs again. Left to chance, most of many
such runs are in vain: of forty only one can win at a time, while the others read and try all over again. So a
commit that is refused is put in line for the records that it read, its refusal is told when its turn comes,
and then those records are kept for its next try. Each of forty needs two runs at most.

Nothing rests on this: what a commit has read is compared all the same. A turn only keeps others waiting, in
memory, and not for long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import TypeVar

from edge.errors import Problem

LEASE = 1.0  # seconds that records are kept for a commit that was refused
WAIT = 5.0  # seconds that a commit waits at most; less than edges wait for an answer
LONGEST = 128  # commits in one line; who comes later waits at the edge

_T = TypeVar("_T")


class _Turn:
    """A place in the lines of some records."""

    def __init__(self, places: frozenset[Hashable]) -> None:
        self.places = places
        self.come = asyncio.get_running_loop().create_future()
        self.lease: asyncio.TimerHandle | None = None


class Turns:
    """The lines of one origin process. `lease` and `wait` are in seconds, `longest` counts commits."""

    def __init__(self, lease: float = LEASE, wait: float = WAIT, longest: int = LONGEST) -> None:
        self._lease, self._wait, self._longest = lease, wait, longest
        self._lines: dict[Hashable, deque[_Turn]] = {}
        self._kept: dict[Hashable, _Turn] = {}

    async def commit(
        self,
        who: Hashable,
        reads: Collection[Hashable],
        writes: Collection[Hashable],
        apply: Callable[[], Awaitable[_T]],
        listens: Callable[[], Awaitable[bool]],
    ) -> _T:
        """What `apply` returns or raises, once it is the turn of `who`.

        `reads` and `writes` name the records that the commit depends on and those that it changes; `listens`
        tells whether anybody is left to try again. A "version-conflict" has the member `turn` if what `who`
        commits next is the only thing that may change those records, for as long as the lease lasts.
        """
        turn = self._resume(who)
        if turn is None and any(place in self._lines for place in (*reads, *writes)):
            turn = await self._take(frozenset((*reads, *writes)))
        if not reads:  # nothing can come between, so the next one need not wait until it is on disk
            self._leave(turn)
            return await apply()
        try:
            return await apply()
        except Problem as problem:
            if problem.code != "version-conflict":
                raise
            if turn is None or not turn.places.issuperset(reads):
                self._leave(turn)
                turn = await self._take(frozenset((*reads, *writes)))
            if turn is not None and await listens():
                self._keep(who, turn)
                turn = None
                problem.members["turn"] = True
            raise
        finally:
            self._leave(turn)

    async def _take(self, places: frozenset[Hashable]) -> _Turn | None:
        """Wait in all lines at once, so that no two wait for each other; None if that takes too long."""
        if any(len(self._lines.get(place, ())) >= self._longest for place in places):
            return None
        turn = _Turn(places)
        for place in places:
            self._lines.setdefault(place, deque()).append(turn)
        self._call(turn)
        try:
            async with asyncio.timeout(self._wait):
                await turn.come
        except TimeoutError:
            self._leave(turn)
            return None
        except BaseException:
            self._leave(turn)
            raise
        return turn

    def _call(self, turn: _Turn) -> None:
        if not turn.come.done() and all(self._lines[place][0] is turn for place in turn.places):
            turn.come.set_result(None)

    def _leave(self, turn: _Turn | None) -> None:
        """Whoever is first now has their turn. Leaving twice is no harm."""
        if turn is None:
            return
        for place in turn.places:
            line = self._lines.get(place)
            if line is None or turn not in line:
                continue
            line.remove(turn)
            if line:
                self._call(line[0])
            else:
                del self._lines[place]

    def _keep(self, who: Hashable, turn: _Turn) -> None:
        self._leave(self._resume(who))  # the same request, which somebody else sends as well

        def end() -> None:
            if self._kept.get(who) is turn:
                del self._kept[who]
            self._leave(turn)

        turn.lease = asyncio.get_running_loop().call_later(self._lease, end)
        self._kept[who] = turn

    def _resume(self, who: Hashable) -> _Turn | None:
        turn = self._kept.pop(who, None)
        if turn is not None and turn.lease is not None:
            turn.lease.cancel()
        return turn
