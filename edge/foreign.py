"""What pages of other sites may send: reads, and writes to routes that ask for them.

A browser sends such a write without its user being asked, and takes what the answer sets in place of what it
has: a new guest's cookie for that of a session. So nothing comes of it unless the app names the route, and
there the sender is nobody. Servers (webhooks, other programs) say nothing of what browsers say: not foreign.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette._utils import get_route_path

from .csrf import is_foreign
from .errors import foreign
from .intake import SAFE
from .placement import compiled

SCHEMES = {"ws": "http", "wss": "https"}


class Foreign:
    """The routes that take writes of other sites' pages: path patterns in Starlette's syntax, matched to the
    letter (another spelling is refused). Raises ValueError for a pattern that is none."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._table = [regex for _, regex in compiled(patterns)]

    def judge(self, scope: dict[str, Any]) -> bool:
        """Whether this request is a write of another site's page that may come in, as nobody's.

        Opening a WebSocket counts as a write (RFC 6455 section 10.2). Raises `Problem("forbidden")`.
        """
        socket = scope["type"] == "websocket"
        asked = {**scope, "method": "POST", "scheme": SCHEMES[scope["scheme"]]} if socket else scope
        if asked["method"] in SAFE or not is_foreign(asked):
            return False
        if any(regex.fullmatch(get_route_path(asked)) for regex in self._table):
            return True
        raise foreign()
