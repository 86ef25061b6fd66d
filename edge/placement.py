"""Tables of routes: which may be answered in the browser (all others stay at the edge)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.routing import compile_path


class Placement:
    """A table of path patterns in Starlette's syntax (`/products/{sku}`, `/files/{name:path}`)."""

    def __init__(self, anywhere: Iterable[str]) -> None:
        self.patterns = tuple(anywhere)
        for pattern in self.patterns:
            if not pattern.startswith("/"):
                raise ValueError(f"a placement pattern starts with a slash: {pattern!r}")
        self._table = [compile_path(pattern)[0] for pattern in self.patterns]

    def holds(self, path: str) -> bool:
        """Whether a request for `path` (percent-decoded, without query) is one of them."""
        return any(regex.fullmatch(path) for regex in self._table)

    def to_manifest(self) -> list[dict[str, str]]:
        """The table as data for the service worker, which matches it without Python.

        Python and JavaScript share the syntax of these patterns but for the way a group is named.
        """
        return [
            {"pattern": pattern, "regex": re.sub(r"\(\?P<", "(?<", regex.pattern)}
            for pattern, regex in zip(self.patterns, self._table, strict=True)
        ]
