"""Many write at once what only one may: every number comes once, and none is lost."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

from edge.errors import Problem
from edge.types import Principal
from edge.wire import Commit, Read, RecordKey, StoredResponse, Write
from origin.sqlite import SQLiteStore

UPDATES = int(os.environ.get("EDGEKIT_UPDATES", "10000"))
WRITERS, NUMBERS = 48, 24
SEED = int(os.environ.get("EDGEKIT_SEED", "20261122"))


async def race(folder: Path) -> tuple[dict[str, list[int]], dict[str, int], int]:
    """Per number: the values that writers were told they had set, and the last one; and how many collided."""
    told: dict[str, list[int]] = {f"number-{n}": [] for n in range(NUMBERS)}
    collisions = done = 0
    with SQLiteStore(folder) as store:

        async def writer(name: str) -> None:
            nonlocal collisions, done
            chance = random.Random(f"{SEED}.{name}")
            tries = 0
            while done < UPDATES:
                which = chance.choice(list(told))
                key = RecordKey("shared", "numbers", which)
                found = await store.record(name, key)
                version, value = (found.version, found.value["n"]) if found else (0, 0)
                tries += 1
                commit = Commit(
                    f"{tries:064x}",
                    (Read(key, version),),
                    (Write(key, {"n": value + 1, "by": name}),),
                    StoredResponse(200, (), b""),
                )
                try:
                    await store.commit(Principal(name), f"key-of-{name}-{tries:08}", commit, 0)
                except Problem as problem:
                    if problem.code != "version-conflict":
                        raise
                    collisions += 1
                else:
                    told[which].append(value + 1)
                    done += 1

        await asyncio.gather(*(writer(f"writer-{n:03}") for n in range(WRITERS)))
        last = {}
        for which in told:
            found = await store.record("nobody", RecordKey("shared", "numbers", which))
            last[which] = found.value["n"] if found else 0
    return told, last, collisions


def test_no_update_is_lost(tmp_path: Path) -> None:
    told, last, collisions = asyncio.run(race(tmp_path))
    updates = sum(map(len, told.values()))
    print(f"{updates} conditional writes by {WRITERS} writers, {collisions} collisions")
    assert updates >= UPDATES
    assert collisions > 0
    for which, values in told.items():
        assert sorted(values) == list(range(1, len(values) + 1)), Counter(values).most_common(3)
        assert last[which] == len(values)
