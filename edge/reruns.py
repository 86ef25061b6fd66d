"""Whether a handler runs once more for the same request, and what it is told then."""

from __future__ import annotations

from .errors import Problem
from .wire import RecordKey

CONFLICTS = 4  # runs whose records changed under them
FLOORS = 32  # runs that met a number at its floor: more only for who looks for what is left one by one


class Reruns:
    """Counts the runs of one request. `refused`: the numbers that are at their floor, as the origin said."""

    def __init__(self) -> None:
        self.refused: set[tuple[RecordKey, str]] = set()
        self.conflicts = 0
        self._floors = 0

    def allows(self, problem: Problem) -> bool:
        """Whether another run may come to something else than `problem`."""
        if problem.code == "version-conflict":
            self.conflicts += 1
            return self.conflicts < CONFLICTS
        if problem.code != "floor-reached":
            return False
        # Each such run has to learn something, so a request ends even if its handler does not listen.
        reached = {
            (RecordKey(scope, collection, name), field)
            for scope, collection, name, field in problem.members.get("reached", ())
        }
        news = reached - self.refused
        self.refused |= news
        self._floors += 1
        return bool(news) and self._floors < FLOORS
