"""Modules that are not there: those that no start asks for come late, those that are server-only never.

The build (edge/release/parts.py) leaves the first out of the zips that Python starts from; `late.zip` brings
them once the host is ready. The others (edge/release/server_only.py) are in no release. Whoever imports what
is not there gets `NeedsEdge`: an edge answers instead. Packages that only servers need have stand-ins.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from ..errors import NeedsEdge
from . import stand_in

# One module name a line; written by the build.
AWAITED = Path(__file__).with_name("late.txt")
AT_HOME = Path(__file__).with_name("server_only.txt")
ABSENT = Path(__file__).with_name("absent.txt")
TAIL = ".tail"


class Finder:
    """A meta path finder that tells modules that are elsewhere from modules that do not exist."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> None:
        """Raises `NeedsEdge` for a module that is not here, and knows no other."""
        if name in self._names:
            raise NeedsEdge(f"the module {name}")


def install() -> None:
    """From now on imports of modules that are elsewhere raise `NeedsEdge`, if there are any."""
    names, absent = _listed(AWAITED) | _listed(AT_HOME), _listed(ABSENT)
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, Finder | stand_in.Finder)]
    # Behind the one for files, so that a module of the app comes first; in front of Pyodide's own,
    # which have another explanation for modules that are missing.
    behind = sys.meta_path.index(PathFinder) + 1
    if absent:
        sys.meta_path.insert(behind, stand_in.Finder(absent))
    if names:
        sys.meta_path.insert(behind, Finder(names))


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
    install()
    importlib.invalidate_caches()


def _listed(file: Path) -> frozenset[str]:
    return frozenset(file.read_text("utf-8").split()) if file.is_file() else frozenset()
