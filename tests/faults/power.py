"""A disk that forgets: what a power cut leaves of a database, at any moment of its life.

`Recorder` is a SQLite VFS that notes every write and every sync. `after_power_cut` builds the files as a disk
could hold them then: what was synced is there, of the rest any sector may be there or not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple

import apsw

SECTOR = 512  # bytes that a disk writes whole or not at all


class Step(NamedTuple):
    """A file is written at `offset`, cut to the length `offset` (data None), or synced (offset -1)."""

    file: str
    offset: int
    data: bytes | None

    @property
    def is_sync(self) -> bool:
        return self.offset < 0


class Recorder(apsw.VFS):
    """The default VFS, with `steps`: all that happened to the files whose names end in `suffixes`."""

    def __init__(self, name: str, suffixes: tuple[str, ...] = (".db", ".db-wal")) -> None:
        self.steps: list[Step] = []
        self.lock = Lock()
        self.suffixes = suffixes
        self.base = apsw.vfs_names()[0]
        super().__init__(name, self.base)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(name, flags, self)

    def note(self, step: Step) -> None:
        with self.lock:
            self.steps.append(step)


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], recorder: Recorder) -> None:
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name or "")
        self._recorder = recorder
        self._watched = self._path.endswith(recorder.suffixes)
        super().__init__(recorder.base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        if self._watched:
            self._recorder.note(Step(self._path, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        if self._watched:
            self._recorder.note(Step(self._path, newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        if self._watched:
            self._recorder.note(Step(self._path, -1, None))


class Disk:
    """Files, as they are surely there, and what is on its way to them."""

    def __init__(self) -> None:
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[Step]] = {}

    def take(self, step: Step) -> None:
        content = self.durable.setdefault(step.file, bytearray())
        waiting = self.pending.setdefault(step.file, [])
        if not step.is_sync:
            waiting.append(step)
            return
        for one in waiting:
            _apply(content, one)
        waiting.clear()

    def after_power_cut(self, chance: random.Random) -> Iterator[tuple[str, bytes]]:
        """(path, content) of every file, with a part of what was on its way."""
        luck = chance.choice((0.0, 0.3, 0.7, 1.0))  # how much of it a sector at a time arrives
        for path, content in self.durable.items():
            found = bytearray(content)
            for step in self.pending.get(path, ()):
                if step.data is None:
                    if chance.random() < luck:
                        _apply(found, step)
                    continue
                for start in range(0, len(step.data), SECTOR):
                    if chance.random() < luck:
                        part = step.data[start : start + SECTOR]
                        _apply(found, Step(path, step.offset + start, part))
            yield path, bytes(found)


def _apply(content: bytearray, step: Step) -> None:
    if step.data is None:
        del content[step.offset :]
        return
    missing = step.offset - len(content)
    if missing > 0:
        content.extend(bytes(missing))
    content[step.offset : step.offset + len(step.data)] = step.data
