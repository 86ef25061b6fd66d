"""Routes that only some may use. Unlike a placement, which may miss a route, a guard must not.

Routers differ: some ignore case, trailing slashes or space around a path, some take two slashes for one, some
(files in folders) resolve dots that are beside an encoded slash, as in `/a/..%2Fb`. A
list of paths does not know which router reads it, so whatever any of them might take for a guarded path is
guarded. Handlers that must be sure call `ctx.require_device()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from starlette._utils import get_route_path

from .placement import compiled

_SLASHES = re.compile("/{2,}")


class Guard:
    """A table of path patterns in Starlette's syntax; raises ValueError for one that is none.

    `roots` are prefixes that the app itself takes off a path where they are there (`root_paths`).
    """

    def __init__(self, patterns: Iterable[str], roots: Iterable[str] = ()) -> None:
        self._roots = tuple(roots)
        self._table = [re.compile(regex.pattern, re.IGNORECASE) for _, regex in compiled(patterns)]

    def covers(self, scope: dict[str, Any]) -> bool:
        """Whether a request (http or websocket) may be for one of the routes."""
        if not self._table:
            return False
        # Below a mount both may be meant: the path within it, which the app's router sees, and the whole.
        paths = {get_route_path({**scope, "root_path": root}) for root in self._roots}
        paths |= {get_route_path(scope), scope["path"]}
        spellings = {spelling for path in paths for spelling in _spellings(path)}
        return any(regex.fullmatch(spelling) for regex in self._table for spelling in spellings)


def root_paths(app: Any) -> list[str]:
    """What `app`, or an app that its middleware wraps, says of where it is mounted (`FastAPI(root_path=…)`):
    its router then takes a path with this prefix for the one without it."""
    found: list[Any] = []
    while app is not None and len(found) < 32:  # a proxy object may have an `app` without end
        found.append(getattr(app, "root_path", None))
        app = getattr(app, "app", None)
    return [root for root in found if root and isinstance(root, str)]


def _spellings(path: str) -> Iterable[str]:
    for one in (path, unquote(path)):
        plain = _SLASHES.sub("/", "/" + "/".join(map(str.strip, one.split("/")))).rstrip("/")
        resolved = normpath(plain or "/").rstrip("/")
        yield from (one, *(spelling or "/" for spelling in (plain, resolved)), plain + "/", resolved + "/")
