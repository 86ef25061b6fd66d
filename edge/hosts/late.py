"""Modules that no start of the app asks for: they are not part of the first download.

The build (edge/release/parts.py) leaves them out of the zips that Python starts from; `late.zip` brings
them once the host is ready. Until then whoever imports one gets `NeedsEdge`: an edge answers instead.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from ..errors import NeedsEdge

AWAITED = Path(__file__).with_name("late.txt")  # one module name a line; written by the build
TAIL = ".tail"


class Finder:
    """A meta path finder that tells modules on their way from modules that do not exist."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> None:
        """Raises `NeedsEdge` for a module that has not arrived, and knows no other."""
        if name in self._names:
            raise NeedsEdge(f"the module {name}")


def install() -> None:
    """From now on imports of awaited modules raise `NeedsEdge`, if any are awaited."""
    if AWAITED.is_file() and not any(isinstance(finder, Finder) for finder in sys.meta_path):
        # Behind the one for files, so that a module of the app comes first; in front of Pyodide's own,
        # which have another explanation for modules that are missing.
        place = sys.meta_path.index(PathFinder) + 1
        sys.meta_path.insert(place, Finder(frozenset(AWAITED.read_text("utf-8").split())))


def arrived() -> None:
    """Make what `late.zip` brought importable; call this when its files have been written.

    Each zip on the path has a tail among them, to be appended: zips are read from their end, and the new
    directory there names old entries and new ones. So every package becomes whole in its one place. A
    second arrival changes nothing.
    """
    for archive in [path for path in sys.path if path.endswith(".zip")]:
        tail = Path(archive + TAIL)
        if tail.is_file():
            if AWAITED.is_file():
                with Path(archive).open("ab") as file:
                    file.write(tail.read_bytes())
            tail.unlink()
    AWAITED.unlink(missing_ok=True)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    importlib.invalidate_caches()
