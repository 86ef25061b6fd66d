"""Whether a handler runs once more for the same request, when, and what it is told then."""

from __future__ import annotations

from collections.abc import Callable

from .errors import Problem
from .types import Clock
from .wire import RecordKey

PATIENCE = 10.0  # seconds during which a run whose records changed under it is repeated
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds at most before the next run; doubled each time
FLOORS = 32  # runs that met a number at its floor: more only for who looks for what is left one by one


class Reruns:
    """The runs of one request. `refused`: the numbers that are at their floor, as the origin said.

    `patience` is in seconds, `timer` monotonic, `chance` gives numbers from 0 to 1. Pauses count as time
    that has passed, whatever the timer says, so that the runs end in any case.
    """

    def __init__(self, patience: float, timer: Clock, chance: Callable[[], float]) -> None:
        self.refused: set[tuple[RecordKey, str]] = set()
        self._patience = patience
        self._timer = timer
        self._chance = chance
        self._since = timer()
        self._paused = 0.0
        self._conflicts = 0
        self._floors = 0

    def pause(self, problem: Problem) -> float | None:
        """Seconds to wait before another run, which may come to something else than `problem`; None: no more.

        Whoever collided must not collide again: the pauses grow, and differ. Where the origin has kept the
        next commit for this request ("turn"), there is nothing to wait for.
        """
        if problem.code == "version-conflict":
            left = self._patience - max(self._timer() - self._since, self._paused)
            if left <= 0:
                return None
            self._conflicts += 1
            if problem.members.get("turn") is True:
                return 0.0
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._conflicts - 1, 10), left)
            pause: float = longest * self._chance()
            self._paused += pause
            return pause
        return 0.0 if problem.code == "floor-reached" and self._learns(problem) else None

    def _learns(self, problem: Problem) -> bool:
        """Each such run has to learn something, so a request ends even if its handler does not listen."""
        reached = {
            (RecordKey(scope, collection, name), field)
            for scope, collection, name, field in problem.members.get("reached", ())
        }
        news = reached - self.refused
        self.refused |= news
        self._floors += 1
        return bool(news) and self._floors < FLOORS


def final(problem: Problem) -> Problem:
    """What a client is told once there are no more runs: a conflict between writers is ours to solve, so it
    is no 409 but a 503 that says when to try again."""
    if problem.code == "floor-reached":
        return Problem("floor-reached")  # which numbers, in which records, is nobody's business but the app's
    if problem.code != "version-conflict":
        return problem
    given_up = Problem("overloaded", "a record changes too often", headers={"Retry-After": "2"})
    given_up.__cause__ = problem
    return given_up
