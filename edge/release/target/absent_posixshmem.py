"""Part of a release's standard library, as `_posixshmem`: nobody could share memory."""

from typing import Any


def shm_open(*_: Any, **_options: Any) -> int:
    """Raises `NeedsEdge`."""
    from edge.errors import NeedsEdge  # noqa: PLC0415 - the standard library comes before the kit

    raise NeedsEdge("memory shared with another process")


def shm_unlink(name: str) -> None:
    """There is none to remove."""
    raise FileNotFoundError(name)
