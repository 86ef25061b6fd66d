"""Routes that only some may use. Unlike a placement, which may miss a route, a guard must not.

Routers differ: some ignore case, trailing slashes or space around a path, some take two slashes for one. A
list of paths does not know which router reads it, so whatever any of them might take for a guarded path is
guarded. Handlers that must be sure call `ctx.require_device()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from starlette._utils import get_route_path

from .placement import compiled

_SLASHES = re.compile("/{2,}")


class Guard:
    """A table of path patterns in Starlette's syntax; raises ValueError for one that is none."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._table = [re.compile(regex.pattern, re.IGNORECASE) for _, regex in compiled(patterns)]

    def covers(self, scope: dict[str, Any]) -> bool:
        """Whether a request (http or websocket) may be for one of the routes."""
        if not self._table:
            return False
        # Below a mount both may be meant: the path within it, which the app's router sees, and the whole.
        spellings = {
            spelling for path in (get_route_path(scope), scope["path"]) for spelling in _spellings(path)
        }
        return any(regex.fullmatch(spelling) for regex in self._table for spelling in spellings)


def _spellings(path: str) -> Iterable[str]:
    for one in (path, unquote(path)):
        plain = _SLASHES.sub("/", "/" + "/".join(map(str.strip, one.split("/")))).rstrip("/")
        yield from (one, plain or "/", plain + "/")
