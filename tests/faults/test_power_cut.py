"""The power fails at any moment: no commit that was acknowledged is lost, and none is there by half."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from edge.types import Principal
from edge.wire import Commit, RecordKey, StoredResponse, Write
from origin import database
from origin.sqlite import SQLiteStore

from .power import Disk, Recorder

POINTS = int(os.environ.get("EDGEKIT_CRASH_POINTS", "1000"))
COMMITS, TOGETHER = 480, 6
SEED = int(os.environ.get("EDGEKIT_SEED", "20261122"))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder("forgetful")
    apsw.set_default_vfs("forgetful")
    yield made
    apsw.set_default_vfs(made.base)
    made.unregister()


async def live(folder: Path, recorder: Recorder, chance: random.Random) -> list[tuple[int, int]]:
    """Commit in small crowds; (number, steps that had happened when it was acknowledged) of each."""
    acknowledged: list[tuple[int, int]] = []
    with SQLiteStore(folder) as store:

        async def commit(number: int, size: int) -> None:
            writes = tuple(
                Write(RecordKey("user", kind, str(number)), {"n": number, "fill": "x" * size})
                for kind in ("first", "second")
            )
            made = Commit(f"{number:064x}", (), writes, StoredResponse(200, (), b""))
            await store.commit(Principal("ann"), f"key-of-commit-{number:06}", made, 0)
            acknowledged.append((number, len(recorder.steps)))

        for start in range(0, COMMITS, TOGETHER):
            sizes = [chance.randrange(10, 9_000) for _ in range(TOGETHER)]
            await asyncio.gather(*(commit(start + i, size) for i, size in enumerate(sizes)))
    return acknowledged


def found(folder: Path) -> set[int]:
    """The commits that a database holds; fails if it is broken or holds one by half."""
    connection = database.open_writer(folder / "origin.db")
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    rows = connection.execute("SELECT collection, id FROM record").fetchall()
    keys = {int(key[-6:]) for (key,) in connection.execute("SELECT key FROM outcome")}
    connection.close()
    halves = {name: {int(n) for kind, n in rows if kind == name} for name in ("first", "second")}
    assert halves["first"] == halves["second"] == keys, "a commit is there by half"
    return keys


def survive(tmp_path: Path, recorder: Recorder, points: int) -> tuple[int, int]:
    """Cut the power at `points` moments of one life; (acknowledged commits looked for, lost)."""
    chance = random.Random(SEED)
    acknowledged = asyncio.run(live(tmp_path / "live", recorder, chance))
    apsw.set_default_vfs(recorder.base)
    steps = recorder.steps
    moments = sorted(chance.randrange(1, len(steps) + 1) for _ in range(points))
    disk, at = Disk(), 0
    wanted = lost = 0
    for number, moment in enumerate(moments):
        while at < moment:
            disk.take(steps[at])
            at += 1
        folder = tmp_path / "after"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for path, content in disk.after_power_cut(chance):
            (folder / Path(path).name).write_bytes(content)
        due = {commit for commit, when in acknowledged if when <= moment}
        there = found(folder) if (folder / "origin.db").stat().st_size else set()
        wanted += len(due)
        lost += len(due - there)
        assert there == set(range(len(there))), f"moment {number} (seed {SEED}): no prefix of what was done"
    return wanted, lost


def test_no_acknowledged_commit_is_lost(tmp_path: Path, recorder: Recorder, record_property) -> None:
    wanted, lost = survive(tmp_path, recorder, POINTS)
    print(f"{POINTS} power cuts, {wanted} acknowledged commits looked for, {lost} lost; seed {SEED}")
    record_property("looked for", wanted)
    assert wanted > POINTS
    assert lost == 0


def test_a_database_that_does_not_wait_for_the_disk_is_caught(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WRITER_PRAGMAS", {**database._WRITER_PRAGMAS, "synchronous": 1})
    _, lost = survive(tmp_path, recorder, 100)
    assert lost > 0
