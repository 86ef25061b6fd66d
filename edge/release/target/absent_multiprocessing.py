"""Part of a release's standard library, as `_multiprocessing`: there is one process here.

`multiprocessing` imports it, and with that many a package that never starts a process. Whoever wants one
needs an edge.
"""

from typing import Any


class SemLock:
    """Raises `NeedsEdge`: no process could wait for another."""

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, *_: Any) -> None:
        from edge.errors import NeedsEdge  # noqa: PLC0415 - the standard library comes before the kit

        raise NeedsEdge("a second process")

    _rebuild = __init__


def sem_unlink(name: str) -> None:
    """There is none to remove."""
    raise FileNotFoundError(name)
