"""Tables of routes: which may be answered in the browser (all others stay at the edge)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.routing import compile_path


def compiled(patterns: Iterable[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Path patterns in Starlette's syntax (`/products/{sku}`, `/files/{name:path}`), and what they match.

    Raises ValueError or AssertionError for one that no router would take.
    """
    table = []
    for pattern in patterns:
        if not pattern.startswith("/"):
            raise ValueError(f"a placement pattern starts with a slash: {pattern!r}")
        table.append((pattern, compile_path(pattern)[0]))
    return table


class Placement:
    """A table of path patterns in Starlette's syntax."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._table = compiled(patterns)
        self.patterns = tuple(pattern for pattern, _ in self._table)

    def to_manifest(self) -> list[dict[str, str]]:
        """The table as data for the service worker, which matches it without Python.

        It is the router's own expression, for the path (percent-decoded, without query). Python and
        JavaScript share its syntax but for the way a group is named, and its meaning but for `$`, which in
        Python also stands before a last line break: no host takes a path with one (`intake.check_head`).
        """
        return [
            {"pattern": pattern, "regex": re.sub(r"\(\?P<", "(?<", regex.pattern)}
            for pattern, regex in self._table
        ]
