"""A cache bounded in bytes, with a life per entry. The only module that imports `cachetools`."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from cachetools import TLRUCache

from .types import Clock

V = TypeVar("V")


class _Entry(NamedTuple, Generic[V]):
    value: V
    size: int
    life: float


class ByteCache(Generic[V]):
    """Least recently used entries go first once `max_bytes` is reached; each entry also expires.

    `timer` is a monotonic clock in seconds. Not thread-safe: one event loop owns it.
    """

    def __init__(self, max_bytes: int, timer: Clock) -> None:
        self._entries: TLRUCache[str, _Entry[V]] = TLRUCache(
            max_bytes,
            ttu=lambda _key, entry, now: now + entry.life,
            timer=timer,
            getsizeof=lambda entry: entry.size,
        )

    def get(self, key: str) -> V | None:
        """The value kept under `key`, or None when there is none or it has expired."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def put(self, key: str, value: V, *, size: int, life: float) -> None:
        """Keep `value` (`size` bytes) for `life` seconds in place of what was there.

        A value over the whole limit is not kept.
        """
        self.drop(key)
        if size <= self._entries.maxsize:
            self._entries[key] = _Entry(value, size, life)

    def drop(self, key: str) -> None:
        """Forget what is kept under `key`, if anything is."""
        self._entries.pop(key, None)

    @property
    def size(self) -> int:
        """Bytes now held."""
        return int(self._entries.currsize)
