"""All that is stored as JSON lines, also while the origin runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.types import Principal
from edge.wire import Commit
from origin import dump
from origin.sqlite import SQLiteStore

pytestmark = pytest.mark.anyio


async def test_everything_is_told(
    store: SQLiteStore,
    make_commit: Callable[..., Commit],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = make_commit({"cups/1": {"tea": "assam"}, "shared:stock/assam": {"left": 3}}, body=b"thanks")
    await store.commit(Principal("ann"), "first-key-of-a-test", first, 1.0)
    await store.commit(
        Principal("bob"), "other-key-of-a-test", make_commit({"shared:stock/assam": None}), 2.0
    )
    dump.main(["--data", str(tmp_path / "data")])  # the store is open
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {"kind": "record", "version": 1}
    assert rows[2:] == [
        told | {"scope": "shared", "owner": "", "collection": "stock", "id": "assam", "value": None},
        told | {"scope": "user", "owner": "ann", "collection": "cups", "id": "1", "value": {"tea": "assam"}},
        {"kind": "database", "integrity": "ok"},
    ]
    assert [(row["kind"], row["subject"], row["key"]) for row in rows[:2]] == [
        ("outcome", "ann", "first-key-of-a-test"),
        ("outcome", "bob", "other-key-of-a-test"),
    ]
    assert rows[0]["fingerprint"] == first.fingerprint
    assert (rows[0]["response"]["status"], rows[0]["response"]["body"]) == (303, "dGhhbmtz")
