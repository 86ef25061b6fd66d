"""Stand-ins for packages that only servers need: `import uvicorn` is harmless, whoever uses it needs an edge.

Many an app imports the server that runs it, for the sake of `if __name__ == "__main__"`.
"""

from __future__ import annotations

import importlib.abc
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..errors import NeedsEdge


class Finder:
    """A meta path finder that has a stand-in for each of these packages and for all that is within them."""

    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The stand-in for `name`, None for any other module."""
        if name.partition(".")[0] not in self._packages:
            return None
        return ModuleSpec(name, Loader(), is_package=True)


class Loader(importlib.abc.Loader):
    """Makes the modules."""

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary one will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Whatever is asked of it is a class: it can be named, imported and derived from, but not called."""
        name = module.__name__
        module.__dict__["__getattr__"] = lambda attribute: _absent(name, attribute)


class Absent(type):
    """The class of what is not there."""

    def __call__(cls, *_: Any, **_options: Any) -> Any:
        raise NeedsEdge(f"{cls.__module__}.{cls.__qualname__}")

    def __getattr__(cls, name: str) -> Any:
        return _absent(f"{cls.__module__}.{cls.__qualname__}", name)


def _absent(owner: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"{owner} has no attribute {name!r}")
    return Absent(name, (), {"__module__": owner})
