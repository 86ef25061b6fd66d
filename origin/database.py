"""Opening the SQLite file so that an acknowledged commit survives a power cut."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import apsw

from edge.private_files import open_private, private_files

from .errors import StartError
from .schema import migrate

BUSY_TIMEOUT = 5000  # milliseconds to wait for a lock, for example of a backup

# FULL (2): with NORMAL a power cut loses acknowledged commits, with OFF it corrupts the file.
# fullfsync: on macOS fsync leaves the data in the drive's own cache; elsewhere it changes nothing.
_WRITER_PRAGMAS: Mapping[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "fullfsync": 1,
    "foreign_keys": 1,
    "trusted_schema": 0,
}
_READER_PRAGMAS: Mapping[str, str | int] = {"query_only": 1, "trusted_schema": 0}


def create(path: Path) -> None:
    """Make the file if there is none, for its owner alone, and take what others may do with it and with what
    SQLite keeps beside it (which gets the database's own mode when SQLite makes it). Raises OSError."""
    open_private(path, os.O_APPEND).close()
    private_files(path.parent, f"{path.stem}.*")


def open_writer(path: Path) -> apsw.Connection:
    """The one connection that writes, with the newest schema. Raises `StartError`, `apsw.Error`."""
    check_version(apsw.sqlite_lib_version())
    connection = apsw.Connection(str(path))
    _configure(connection, _WRITER_PRAGMAS)
    migrate(connection)
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that cannot write. Raises `StartError`, `apsw.Error`."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    _configure(connection, _READER_PRAGMAS)
    return connection


def _configure(connection: apsw.Connection, pragmas: Mapping[str, str | int]) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT)
    for name, wanted in pragmas.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        # SQLite ignores what it cannot do, so each setting is read back.
        found = connection.execute(f"PRAGMA {name}").get
        if found != wanted:
            raise StartError(f"{connection.filename}: PRAGMA {name} is {found}, not {wanted}")


def check_version(version: str) -> None:
    """Raise `StartError` for a SQLite in which two connections can corrupt a WAL database.

    The WAL-reset bug came with 3.7.0 and went with 3.51.3, 3.50.7 and 3.44.6.
    """
    numbers = tuple(int(part) for part in version.split("."))
    fixed = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}.get((numbers[0], numbers[1]), (3, 51, 3))
    if numbers < fixed:
        raise StartError(f"SQLite {version} has the WAL-reset bug; 3.51.3 or newer is needed")


def lock(path: Path) -> TextIO:
    """Hold the lock file until it is closed; raises `StartError` if another process holds it.

    The kernel lets go of it when the process ends, however it ends.
    """
    file = open_private(path, os.O_APPEND)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StartError(f"{path.parent} is in use by another origin process") from error
    return file
