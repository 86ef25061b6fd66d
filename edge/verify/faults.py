"""What may go wrong with one message on its way, drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "none",
    "drop-request",  # the connection ends before the request arrives
    "reset",  # so it does, with a TCP reset
    "drop-response",  # the request arrives, its answer does not
    "truncate-response",  # part of the answer arrives
    "delay",  # request and answer take their time
    "duplicate",  # two processes get the request at the same time
    "late-copy",  # another process gets the request once more, after later ones perhaps
    "half-open",  # the request arrives, the connection stays, and nothing comes
]
DUPLICATING = frozenset({"duplicate", "late-copy"})
LONGEST_DELAY = 0.15  # seconds
LATEST_COPY = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `chance` (0 to 1) decides its details: where to cut, which answer counts;
    `before` and `after` are seconds to wait before the request and its answer, or the copy, are passed on."""

    kind: Kind = "none"
    chance: float = 0.0
    before: float = 0.0
    after: float = 0.0


NOTHING = Fault()

# Probabilities; what is missing to 1 goes well.
WRITES: Mapping[Kind, float] = {
    "drop-request": 0.03,
    "reset": 0.03,
    "drop-response": 0.08,
    "truncate-response": 0.04,
    "delay": 0.06,
    "duplicate": 0.14,
    "late-copy": 0.10,
    "half-open": 0.002,
}
READS: Mapping[Kind, float] = {"drop-request": 0.01, "drop-response": 0.01, "truncate-response": 0.01}
COMMITS: Mapping[Kind, float] = {
    "drop-request": 0.02,
    "reset": 0.02,
    "drop-response": 0.05,
    "truncate-response": 0.03,
    "delay": 0.06,
    "duplicate": 0.06,
    "late-copy": 0.04,
    "half-open": 0.0005,
}


def dice(*names: object) -> random.Random:
    """Chance that is the same for the same names, such as a seed and the number of a session."""
    return random.Random("/".join(map(str, names)))  # noqa: S311


def draw(chance: random.Random, rates: Mapping[Kind, float]) -> Fault:
    """A fault, each kind as often as `rates` says."""
    kind = chance.choices([*rates, "none"], [*rates.values(), 1 - sum(rates.values())])[0]
    if kind == "none":
        return NOTHING
    longest = LATEST_COPY if kind == "late-copy" else LONGEST_DELAY
    waits = kind in ("delay", "late-copy", "duplicate")
    before = chance.random() * LONGEST_DELAY if waits else 0.0
    return Fault(kind, chance.random(), before, chance.random() * longest if waits else 0.0)
