"""Whether an app's own catalog fits the memory that hosts give to it."""

from __future__ import annotations

import json
from pathlib import Path

from ..catalog import BROWSER_BYTES, MAX_BYTES, MEBIBYTE, weight
from ..wire import encode_json


def folder_of(app_dir: Path, top: str) -> Path:
    """Where `edgekit serve` finds the catalog of the package or module `top` of `app_dir`."""
    package = app_dir / top
    return (package if package.is_dir() else app_dir) / "catalog"


def describe(folder: Path) -> str | None:
    """One sentence about the memory that the collections in `folder` take, or None if there are none.

    A file that cannot be read is the origin's to report.
    """
    total = 0
    for file in sorted(folder.glob("*.json")):
        try:
            total += weight(encode_json(json.loads(file.read_bytes())))
        except (OSError, ValueError, RecursionError):
            continue
    if not total:
        return None
    size = f"about {max(1, round(total / MEBIBYTE))} MiB of memory in each host"
    if total > MAX_BYTES:
        return f"{size}, more than the {MAX_BYTES // MEBIBYTE} of an edge: set EDGEKIT_CATALOG_MEMORY there"
    if total > BROWSER_BYTES:
        return f"{size}, more than the {BROWSER_BYTES // MEBIBYTE} of a browser: slow there (docs/catalog.md)"
    return size
