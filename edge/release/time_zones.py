"""Time zones: `zoneinfo` reads them from the machine. A browser has none, so `tzdata` has to come along."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .cache import Cache
from .requirements import Lock

PACKAGE = "tzdata"
IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*zoneinfo\b", re.MULTILINE)


def are_missing(lock: Lock, packages: Path, sources: Iterable[bytes], cache: Cache) -> bool:
    """Whether the app's `sources` or its installed `packages` import zoneinfo, and the lock has no zones."""
    if any(pin.name == PACKAGE for pin in lock.pins) or (PACKAGE, "--exclude") in lock.without:
        return False
    return any(map(IMPORT.search, sources)) or _is_imported(packages, cache)


def _is_imported(packages: Path, cache: Cache) -> bool:
    def look() -> bool:
        return any(IMPORT.search(path.read_bytes()) for path in packages.rglob("*.py"))

    return bool(cache.json("zoneinfo", packages.name, look)[0])
