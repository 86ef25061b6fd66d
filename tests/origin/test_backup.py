"""A copy of the database that is taken while the origin runs, and an origin that starts from it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.types import Principal
from edge.wire import Commit, RecordKey
from origin import backup
from origin.sqlite import SQLiteStore

pytestmark = pytest.mark.anyio
ANN = Principal("ann")
CUP = RecordKey("user", "cups", "1")


async def test_a_copy_holds_what_was_acknowledged_and_starts_an_origin(
    store: SQLiteStore, make_commit: Callable[..., Commit], tmp_path: Path
) -> None:
    await store.commit(ANN, "first-key-of-a-test", make_commit({"cups/1": {"tea": "assam"}}), 1.0)
    copy = tmp_path / "copy.db"
    backup.main(["--data", str(tmp_path / "data"), "--to", str(copy)])  # the store is open
    await store.commit(ANN, "other-key-of-a-test", make_commit({"cups/1": None}), 2.0)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [name for name in os.listdir(tmp_path) if "copy" in name] == ["copy.db"]  # no WAL of the draft
    restored = tmp_path / "restored"
    restored.mkdir()
    copy.rename(restored / "origin.db")
    with SQLiteStore(restored) as other:
        found = await other.record("ann", CUP)
        assert found is not None
        assert found.value == {"tea": "assam"}
        assert await other.outcome("ann", "first-key-of-a-test") is not None
        assert await other.outcome("ann", "other-key-of-a-test") is None


@pytest.mark.parametrize("missing", [True, False])
async def test_what_cannot_be_copied_is_said_and_leaves_nothing(
    store: SQLiteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: bool
) -> None:
    data, copy = tmp_path / ("nowhere" if missing else "data"), tmp_path / "copy.db"
    if not missing:
        copy.write_text("the copy of yesterday")
    with pytest.raises(SystemExit) as ended:
        backup.main(["--data", str(data), "--to", str(copy)])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("origin.backup: ")
    left = [name for name in os.listdir(tmp_path) if "copy" in name]
    assert left == ([] if missing else ["copy.db"])
    assert missing or copy.read_text() == "the copy of yesterday"
