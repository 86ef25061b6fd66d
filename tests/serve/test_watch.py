"""Changes are noticed, also in a folder that went away and came back (case H6)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from watchfiles import DefaultFilter

from edge.serve.watch import watch

PATIENCE = 60  # seconds; a hundred times what it takes


def collect(folders: list[Path], acts: list[Callable[[], object]]) -> list[set[Path]]:
    """What is told after each act, done one after the other."""
    told: list[set[Path]] = []

    async def follow() -> None:
        changes = watch(lambda: folders, DefaultFilter())
        asking = asyncio.ensure_future(anext(changes))
        for act in acts:
            await asyncio.sleep(1)  # until the watch has begun
            act()
            told.append(set(await asyncio.wait_for(asking, PATIENCE)))
            asking = asyncio.ensure_future(anext(changes))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(follow())
    return told


def test_a_folder_that_comes_back_is_watched_again(tmp_path):
    app, other, away = tmp_path / "app", tmp_path / "other", tmp_path / "away"
    for folder in (app, other):
        folder.mkdir()

    def leave_and_return() -> None:
        app.rename(away)
        shutil.copytree(away, app)

    told = collect(
        [app, other, tmp_path / "nowhere"],
        [
            lambda: (app / "a.py").write_text("1"),
            leave_and_return,
            lambda: (app / "a.py").write_text("2"),
            lambda: (other / "b.py").write_text("3"),
        ],
    )
    assert told == [{app / "a.py"}, {app}, {app / "a.py"}, {other / "b.py"}]


def test_a_folder_that_was_not_there_at_first(tmp_path):
    app = tmp_path / "app"
    assert collect([app], [app.mkdir, lambda: (app / "a.py").write_text("1")]) == [{app}, {app / "a.py"}]
