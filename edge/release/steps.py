"""What a build tells about itself while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Step:
    """A part of a build that is over: `seconds` of wall time; `cached`: nothing had to be done.

    `note` says in a few words what it was done to, and each line of `advice` what to think about.
    """

    name: str
    note: str = ""
    seconds: float = 0.0
    cached: bool = False
    advice: tuple[str, ...] = ()


Report = Callable[[Step], None]


def print_nothing(step: Step) -> None:
    """The report for callers that do not watch."""


class Steps:
    """Times the steps of a build and reports each when it has succeeded."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @contextmanager
    def __call__(self, name: str) -> Iterator[Step]:
        step = Step(name)
        began = time.perf_counter()
        yield step
        step.seconds = time.perf_counter() - began
        self._report(step)
