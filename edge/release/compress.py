"""Precompressed copies of files, so that no server compresses while somebody waits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli  # type: ignore[import-untyped]

from .cache import Cache
from .manifest import Asset

# Formats that are compressed already.
DENSE = {".avif", ".br", ".gif", ".gz", ".jpeg", ".jpg", ".mp3", ".mp4", ".ogg", ".png", ".webm", ".webp"}
DENSE |= {".woff", ".woff2", ".zst"}
WINDOW = 22  # 4 MiB; the wasm, of all files, comes out larger with more


def compress(assets: Iterable[Asset], quality: int, cache: Cache) -> tuple[dict[str, Path], bool]:
    """The brotli copies by the URL of what they are copies of, and whether all were cached.

    `quality` is 0 to 11. A file that would not shrink has no copy.
    """
    waiting = [one for one in assets if Path(one.url).suffix.lower() not in DENSE]
    # Brotli lets go of the interpreter lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(lambda one: _copy(one, quality, cache), waiting))
    copies = {
        one.url: path for one, (path, _) in zip(waiting, made, strict=True) if path.stat().st_size < one.size
    }
    return copies, all(cached for _, cached in made)


def _copy(one: Asset, quality: int, cache: Cache) -> tuple[Path, bool]:
    def make() -> bytes:
        content = one.source.read_bytes()
        copy = bytes(brotli.compress(content, quality=quality, lgwin=WINDOW))
        if brotli.decompress(copy) != content:  # it is the file that secrets.py has looked through
            raise AssertionError(f"the compressed copy of {one.url} is not its copy")
        return copy

    return cache.data("brotli", f"{one.sha256}-{quality}", make)
