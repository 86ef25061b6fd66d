"""The tables, as numbered migrations. `PRAGMA user_version` counts those that were applied."""

from __future__ import annotations

import apsw

from .errors import StartError

# Append only: a released migration never changes. Ordinary rowid tables, because rows are often
# larger than a page's share (sqlite.org/withoutrowid.html section 3).
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE record (
        scope TEXT NOT NULL CHECK (scope IN ('user', 'shared')),
        owner TEXT NOT NULL,        -- the subject; empty for scope 'shared'
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,   -- kept over a delete, so that no version ever means two values
        value TEXT,                 -- JSON; NULL once deleted
        PRIMARY KEY (scope, owner, collection, id)
    ) STRICT;
    CREATE TABLE outcome (
        subject TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        answer BLOB NOT NULL,       -- edge.wire.encode_outcome with replayed = true
        created INTEGER NOT NULL,   -- seconds since 1970
        PRIMARY KEY (subject, key)
    ) STRICT;
    CREATE TABLE catalog (
        collection TEXT PRIMARY KEY,
        version TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    """,
)


def migrate(connection: apsw.Connection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the database to the newest schema, each step in its own transaction.

    Raises `StartError` for a database that a newer program has written.
    """
    applied = connection.execute("PRAGMA user_version").get
    if applied > len(migrations):
        raise StartError(f"{connection.filename} has schema {applied}, this program knows {len(migrations)}")
    for number, migration in enumerate(migrations[applied:], start=applied + 1):
        with connection:
            connection.execute(migration)
            connection.execute(f"PRAGMA user_version = {number}")
