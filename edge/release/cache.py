"""A folder of results by the hash of what they were made from, so that nothing is made twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECENT = 3600  # seconds in which another build may still be using a draft or an entry
KEPT = 64  # newest entries of a kind that grows with every edit


def digest(*parts: str | bytes) -> str:
    """SHA-256 (hex) over the parts and their boundaries."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


def default_root(start: Path) -> Path:
    """`.cache/edgekit` in the project around `start` if that can be written, else in the user's cache folder
    (XDG base directories)."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() and os.access(folder, os.W_OK):
            return folder / ".cache" / "edgekit"
    return user_root()


def user_root() -> Path:
    """The kit's folder among the user's caches."""
    asked = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(asked) if os.path.isabs(asked) else Path.home() / ".cache") / "edgekit"


class Cache:
    """Entries are files or folders `root/<kind>/<key>`; they appear whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entry(self, kind: str, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        """The entry and whether it was there already; else `make(path)` writes the file or folder."""
        path = self.root / kind / key
        if path.exists():
            os.utime(path)  # so that `prune` sees it as used
            return path, True
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made beside its place and renamed: a build that is stopped leaves no half of an entry.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as draft:
            made = Path(draft) / "entry"
            make(made)
            try:
                made.rename(path)
            except OSError:
                if not path.exists():  # else another build was faster, with the same content
                    raise
        return path, False

    def data(self, kind: str, key: str, make: Callable[[], bytes]) -> tuple[Path, bool]:
        """An entry that is a file of these bytes."""
        return self.entry(kind, key, lambda path: void(path.write_bytes(make())))

    def json(self, kind: str, key: str, make: Callable[[], Any]) -> tuple[Any, bool]:
        """The value of an entry that is a JSON document."""
        path, cached = self.data(kind, key, lambda: json.dumps(make(), sort_keys=True).encode())
        return json.loads(path.read_bytes()), cached

    def prune(self, kind: str, keep: int = KEPT) -> None:
        """Remove what has not been used for an hour, but for the `keep` entries of a kind used last."""
        used = {}
        for path in (self.root / kind).glob("*"):
            with contextlib.suppress(FileNotFoundError):  # another build removes, too
                used[path] = path.stat().st_mtime
        drafts = [path for path in used if path.name.startswith(".new-")]  # of builds that were killed
        entries = sorted(used.keys() - drafts, key=used.__getitem__, reverse=True)
        for path in drafts + entries[keep:]:
            if time.time() - used[path] > RECENT:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def void(_: object) -> None:
    """Drops a result, for a lambda that is called for its effect."""
