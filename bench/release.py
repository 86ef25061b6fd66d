"""The shop's browser release: how large it is, and how long a build takes when nothing has changed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from edge.release import build

ROOT = Path(__file__).resolve().parents[1]


def run() -> Iterator[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("build", "build again"):
            began = time.perf_counter()
            manifest = build("shop.app:app", Path(folder), app_dir=ROOT / "examples")
            yield name, time.perf_counter() - began, "s"
        roles = {url: role for role, url in manifest.document["roles"].items() if role != "kit"}
        raw = packed = 0
        for url, entry in manifest.document["files"].items():
            file = Path(folder, url[1:])
            copy = file.with_name(file.name + ".br")
            size = copy.stat().st_size if copy.is_file() else entry["size"]
            raw, packed = raw + entry["size"], packed + size
            if url in roles:
                yield f"{roles[url]}, brotli", size / 1024, "KiB"
        yield "everything, raw", raw / 1024, "KiB"
        yield "everything, brotli", packed / 1024, "KiB"
