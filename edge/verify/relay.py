"""What a fault does to one exchange, whatever carries the messages; and what is written down about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .faults import Fault
from .http1 import Broken, Message

ANSWER_LIMIT = 30.0  # seconds that a process may take


class Passage(NamedTuple):
    """How one exchange is to go: to which of the targets, with which fault, under which number."""

    target: int
    fault: Fault
    number: int


class Sighting(NamedTuple):
    """A request that a process got, and what it answered if it did; the client may have seen none of it."""

    passage: Passage
    request: Message
    answer: Message | None = None
    copy: bool = False
    call: int = 0


Decide = Callable[[Message], tuple[Message, Passage]]  # also gives the request as it is to be passed on
Forward = Callable[[int, Message], Awaitable[Message]]  # to one of the targets; raises `Broken`, OSError


class Relay:
    """Passes requests on to `targets` processes as `decide` says.

    `sent` is called before a request is passed on and gives it a number; with that, `seen` is called after
    its answer, whoever gets it.
    """

    def __init__(
        self,
        targets: int,
        forward: Forward,
        decide: Decide,
        sent: Callable[[Sighting], int],
        seen: Callable[[Sighting], None],
    ) -> None:
        self._targets = targets
        self._forward = forward
        self._decide = decide
        self._sent = sent
        self._seen = seen
        self._copies: set[asyncio.Task[Message | None]] = set()

    async def exchange(self, request: Message) -> tuple[Fault, Message | None]:
        """What happens to the exchange, and the answer if one came; the fault may keep it from the client."""
        request, passage = self._decide(request)
        fault = passage.fault
        if fault.kind in ("drop-request", "reset"):
            return fault, None
        if fault.kind == "delay":
            await asyncio.sleep(fault.before)
            answer = await self._pass_on(passage, request)
            await asyncio.sleep(fault.after)
            return fault, answer
        other = passage._replace(target=(passage.target + 1) % self._targets)
        if fault.kind == "late-copy":
            self._copy(other, request, fault.after)
        if fault.kind == "duplicate":
            # One of the two is a moment late; the answer of either may be the one that arrives.
            twin = self._copy(other, request, fault.before if fault.chance < 0.5 else 0.0)
            answer = await self._pass_on(passage, request)
            return fault, answer if int(fault.chance * 100) % 2 else await asyncio.shield(twin)
        return fault, await self._pass_on(passage, request)

    async def quiet(self) -> None:
        """Wait until all copies have arrived and been answered."""
        while self._copies:
            await asyncio.wait(self._copies)

    async def close(self) -> None:
        """Forget copies that have not arrived."""
        for copy in self._copies:
            copy.cancel()
        await asyncio.gather(*self._copies, return_exceptions=True)

    def _copy(self, passage: Passage, request: Message, wait: float) -> asyncio.Task[Message | None]:
        async def later() -> Message | None:
            await asyncio.sleep(wait)
            return await self._pass_on(passage, request, copy=True)

        task = asyncio.create_task(later())
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)
        return task

    async def _pass_on(self, passage: Passage, request: Message, *, copy: bool = False) -> Message | None:
        sighting = Sighting(passage, request, copy=copy)
        sighting = sighting._replace(call=self._sent(sighting))
        answer = None
        with contextlib.suppress(Broken, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_LIMIT):
                answer = await self._forward(passage.target, request)
        self._seen(sighting._replace(answer=answer))
        return answer
