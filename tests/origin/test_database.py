"""The file is opened safely, or not at all."""

from __future__ import annotations

from contextlib import closing

import pytest

from origin.database import check_version, lock, open_writer
from origin.errors import StartError
from origin.sqlite import SQLiteStore


@pytest.mark.parametrize("version", ["3.44.6", "3.44.7", "3.50.7", "3.51.3", "3.54.1", "4.0.0"])
def test_sound_versions_of_sqlite(version):
    check_version(version)


@pytest.mark.parametrize("version", ["3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.0", "3.51.2"])
def test_versions_with_the_wal_reset_bug(version):
    with pytest.raises(StartError, match="WAL-reset"):
        check_version(version)


def test_the_writer_is_durable(tmp_path):
    with closing(open_writer(tmp_path / "origin.db")) as connection:
        pragmas = ("journal_mode", "synchronous", "fullfsync", "foreign_keys", "trusted_schema")
        assert [connection.execute(f"PRAGMA {name}").get for name in pragmas] == ["wal", 2, 1, 1, 0]


def test_a_database_that_cannot_have_a_wal_is_refused():
    with pytest.raises(StartError, match="journal_mode is memory"):
        open_writer(":memory:")


def test_the_lock_has_one_holder_until_it_is_closed(tmp_path):
    with lock(tmp_path / "origin.lock"), pytest.raises(StartError, match="another origin process"):
        lock(tmp_path / "origin.lock")
    lock(tmp_path / "origin.lock").close()


def test_one_store_per_folder(tmp_path):
    with SQLiteStore(tmp_path), pytest.raises(StartError, match="another origin process"):
        SQLiteStore(tmp_path)
    SQLiteStore(tmp_path).__exit__(None, None, None)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "origin.db").write_bytes(b"something else" * 100)
    for _ in range(2):  # the lock is let go
        with pytest.raises(StartError, match="file is not a database"):
            SQLiteStore(tmp_path)


def test_closing_leaves_one_tidy_file(tmp_path):
    with SQLiteStore(tmp_path):
        assert (tmp_path / "origin.db-wal").exists()
    assert not (tmp_path / "origin.db-wal").exists()
