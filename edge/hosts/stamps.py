"""When the files of a release were written: one time on every host, so that one file has one entity tag.

Starlette makes `ETag` and `Last-Modified` of a file from its time and size. In Pyodide the files of a release
have a time that follows from the release (`timeOf` in browser/runtime.js). On CPython they lie where somebody
has put them, at whatever time; those that are in the release, byte for byte, get its time here, too.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starlette.responses import FileResponse

FOLDER = "/app/"  # where Pyodide has the files of these roles
ROLES = ("app", "edge", "late")
FIRST = 315_532_800  # seconds: 1980, where the times of zips begin

_plain = FileResponse.set_stat_headers
_installed: list[Stamps] = []


class Stamps:
    """`release` is the folder that `edgekit build` wrote; files are looked for below `sys.path`."""

    def __init__(self, release: Path) -> None:
        self._manifest = release / "_edge" / "manifest.json"
        self._root = release
        self._read: tuple[int, int] | None = None
        self._time = 0.0
        self._files: Mapping[str, tuple[int, int]] = {}
        self._known: dict[tuple[str, int, int], bool] = {}

    def time_of(self, path: str | os.PathLike[str], state: os.stat_result) -> float | None:
        """Seconds since 1970 for a file of the present release; None for any other file."""
        if not self._look_up():
            return None
        full = os.path.abspath(path)
        mark = (full, state.st_mtime_ns, state.st_size)
        if mark not in self._known:
            self._known[mark] = self._is_in_release(full, state.st_size)
        return self._time if self._known[mark] else None

    def _is_in_release(self, path: str, size: int) -> bool:
        names = (
            os.path.relpath(path, root) for root in map(os.path.abspath, sys.path) if is_below(path, root)
        )
        marks = [found for name in names if (found := self._files.get(name.replace(os.sep, "/")))]
        candidates = {crc for length, crc in marks if length == size}
        return bool(candidates) and zlib.crc32(Path(path).read_bytes()) in candidates

    def _look_up(self) -> bool:
        """Whether there is a release; reads it again when another one has been published."""
        try:
            state = self._manifest.stat()
            if (state.st_mtime_ns, state.st_ino) != self._read:
                manifest = json.loads(self._manifest.read_bytes())
                self._time = float(FIRST + int(manifest["release"][:7], 16))
                self._files = dict(self._listed(manifest["roles"]))
                self._known.clear()
                self._read = (state.st_mtime_ns, state.st_ino)
        except OSError:
            return False
        return True

    def _listed(self, roles: Mapping[str, str]) -> Any:
        for role in ROLES:
            if role not in roles:
                continue
            with zipfile.ZipFile(self._root / roles[role][1:]) as archive:
                for info in archive.infolist():
                    yield (
                        f"/{info.filename}".removeprefix(FOLDER).removeprefix("/"),
                        (info.file_size, info.CRC),
                    )


def is_below(path: str, folder: str) -> bool:
    """Whether `path` lies somewhere in `folder`; both are absolute."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def install(stamps: Stamps) -> None:
    """From now on `FileResponse` and `StaticFiles` ask these."""
    _installed[:] = [stamps]
    FileResponse.set_stat_headers = _set_stat_headers  # type: ignore[method-assign]


def _set_stat_headers(self: FileResponse, stat_result: os.stat_result) -> None:
    time = _installed[0].time_of(self.path, stat_result)
    told: Any = SimpleNamespace(st_mtime=time, st_size=stat_result.st_size)
    _plain(self, stat_result if time is None else told)
