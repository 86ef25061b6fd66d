"""What is kept as long as there is room: first its unpacked form goes, then all of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Unloadable(Protocol):
    """Something that takes less room while nobody needs it."""

    @property
    def size(self) -> int:
        """Bytes that it takes now."""
        ...

    def load(self) -> None:
        """Be ready for use."""
        ...

    def unload(self) -> None:
        """Take as little room as possible; `load` makes it ready again."""
        ...


V = TypeVar("V", bound=Unloadable)


class Shelf(Generic[V]):
    """Keeps values within `max_bytes` of memory, and the one that was used last in any case.

    `tell(needed, allowed)` is called once, in bytes, when something has to give way for the first time.
    Not thread-safe: one event loop owns it.
    """

    def __init__(self, max_bytes: int, tell: Callable[[int, int], None]) -> None:
        self._max_bytes = max_bytes
        self._tell = tell
        self._told = False
        self._values: OrderedDict[str, V] = OrderedDict()  # the one used last at the end

    def get(self, name: str) -> V | None:
        """The value kept under `name`, ready for use, or None."""
        value = self._values.get(name)
        if value is not None:
            value.load()
            self._values.move_to_end(name)
            self._make_room()
        return value

    def put(self, name: str, value: V) -> None:
        """Keep `value` in place of what was there."""
        self._values[name] = value
        self._values.move_to_end(name)
        self._make_room()

    def drop(self, name: str) -> None:
        """Forget what is kept under `name`, if anything is."""
        self._values.pop(name, None)

    @property
    def size(self) -> int:
        """Bytes now held."""
        return sum(value.size for value in self._values.values())

    def _make_room(self) -> None:
        size = self.size
        if size <= self._max_bytes:
            return
        if not self._told:
            self._told = True
            self._tell(size, self._max_bytes)
        others = list(self._values)[:-1]
        for name in others:
            if size <= self._max_bytes:
                return
            before = self._values[name].size
            self._values[name].unload()
            size -= before - self._values[name].size
        for name in others:
            if size <= self._max_bytes:
                return
            size -= self._values.pop(name).size
