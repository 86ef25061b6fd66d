"""Changes below folders, also when a folder goes away and comes back, as branches are changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from watchfiles import BaseFilter, awatch

LOOK = 500  # milliseconds between two looks at the folders themselves


async def watch(folders: Callable[[], Sequence[Path]], wanted: BaseFilter) -> AsyncIterator[list[Path]]:
    """The files that have changed, sorted; never ends. `folders` tells which there ought to be.

    A watch belongs to a folder and not to its name: another one in its place counts as changed.
    """
    while True:
        before = _identities(folders())
        if watched := [path for path, identity in before.items() if identity]:
            async for changes in awatch(
                *watched, watch_filter=wanted, rust_timeout=LOOK, yield_on_timeout=True
            ):
                if _identities(folders()) != before:
                    break
                if changes:
                    yield sorted({Path(name) for _, name in changes})
        else:
            await asyncio.sleep(LOOK / 1000)
        after = _identities(folders())
        if other := [path for path in after if after[path] not in (None, before.get(path))]:
            yield other


def _identities(folders: Sequence[Path]) -> dict[Path, tuple[int, int] | None]:
    return {path: _identity(path) for path in folders}


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
