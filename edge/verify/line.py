"""The users' way to the edges, through relay or proxy; plans what goes wrong, and writes down what did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .answers import Answer, understood
from .faults import NOTHING, Fault
from .history import History
from .http1 import Message
from .relay import Passage, Sighting

NUMBER = "edgekit-verify"  # a header between us and the relay, which takes it off


class Line:
    """`ask` gets an answer over it and raises `Broken` or OSError; `calm` says that nothing goes wrong any
    more. `on_write` is called whenever a request that changes something leaves."""

    def __init__(
        self, seed: int, history: History, edges: int, ask: Callable[[Message], Awaitable[Message]]
    ) -> None:
        self.seed = seed
        self.history = history
        self.edges = edges
        self.ask = ask
        self.calm = False
        self.duplicates = 0
        self.on_write: Callable[[], None] = lambda: None
        self._passages: dict[int, Passage] = {}
        self._tries: dict[int, tuple[int, int]] = {}
        self.ops = 0  # requests that change something
        self._numbers = 0

    def next_op(self) -> int:
        """A number for one more request that changes something."""
        self.ops += 1
        return self.ops

    def plan(self, edge: int, fault: Fault, op: int, attempt: int) -> str:
        """The value of the header by which the relay finds this plan; `op` is 0 for a read."""
        self._numbers += 1
        fault = NOTHING if self.calm else fault
        self._passages[self._numbers] = Passage(edge, fault, self._numbers)
        if op:
            self._tries[self._numbers] = (op, attempt)
            self.log("try", op=op, number=attempt, edge=edge, fault=fault.kind)
            self.on_write()
        return str(self._numbers)

    def decide(self, message: Message) -> tuple[Message, Passage]:
        """For the relay: the plan that was made for this request."""
        passage = self._passages.pop(int(message.get(NUMBER) or 0), Passage(0, NOTHING, 0))
        return message.without(NUMBER), passage

    def sent(self, sighting: Sighting) -> int:
        """For the relay: a request is passed on."""
        number = sighting.passage.number
        if sighting.copy and number in self._tries:
            self.duplicates += 1
            op, attempt = self._tries[number]
            self.log("copy", op=op, number=attempt, edge=sighting.passage.target, copy=True)
        return number

    def seen(self, sighting: Sighting) -> None:
        """For the relay: an edge has answered. What answers a copy is seen by nobody but us."""
        if sighting.copy and sighting.call in self._tries and sighting.answer is not None:
            op, attempt = self._tries[sighting.call]
            self.answered(op, attempt, understood(sighting.request.target, sighting.answer), copy=True)

    def answered(self, op: int, attempt: int, answer: Answer, *, copy: bool = False) -> None:
        """Write down an answer to a request that changes something."""
        self.log(
            "answer",
            op=op,
            number=attempt,
            status=answer.status,
            digest=answer.digest,
            replayed=answer.replayed,
            problem=answer.problem,
            copy=copy,
        )

    def log(self, kind: str, **members: Any) -> None:
        self.history.add(kind, **members)
