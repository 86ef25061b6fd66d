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
    # Outcomes are pruned: those of one client in the order of its keys `<client>.<seq>`.
    """
    ALTER TABLE outcome ADD COLUMN client TEXT;
    ALTER TABLE outcome ADD COLUMN seq INTEGER;
    ALTER TABLE outcome ADD COLUMN due INTEGER NOT NULL DEFAULT 0;  -- seconds since 1970: kept until then
    UPDATE outcome SET due = created + 604800;
    UPDATE outcome SET client = substr(key, 1, 22), seq = CAST(substr(key, 24) AS INTEGER)
        WHERE length(key) BETWEEN 24 AND 38 AND substr(key, 23, 1) = '.'
        AND substr(key, 1, 22) NOT GLOB '*.*' AND substr(key, 24) NOT GLOB '*[^0-9]*';
    ALTER TABLE outcome DROP COLUMN created;
    CREATE INDEX outcome_due ON outcome (due);
    CREATE INDEX outcome_of_client ON outcome (subject, client, seq) WHERE client IS NOT NULL;
    CREATE TABLE client_floor (     -- no key of the client at or below is ever executed again
        subject TEXT NOT NULL,
        client TEXT NOT NULL,
        floor INTEGER NOT NULL,
        PRIMARY KEY (subject, client)
    ) STRICT, WITHOUT ROWID;
    """,
    # Sessions of users who signed in. Of a refresh token only the SHA-256 is kept.
    """
    CREATE TABLE account (
        subject TEXT PRIMARY KEY,
        epoch INTEGER NOT NULL      -- grows when the user signs out everywhere
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE session (
        sid TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        claims TEXT NOT NULL,       -- JSON
        signed_in_at INTEGER NOT NULL,
        jkt TEXT,
        bound_late INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        confirmed BLOB NOT NULL,    -- digest of the token of that generation; empty before the first
        confirmed_at INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX session_of_subject ON session (subject, confirmed_at);
    CREATE INDEX session_expires ON session (expires);
    CREATE TABLE refresh (
        digest BLOB PRIMARY KEY,
        sid TEXT NOT NULL,          -- outlives its session, until it expires itself
        generation INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX refresh_of_session ON refresh (sid, generation);
    CREATE INDEX refresh_expires ON refresh (expires);
    CREATE TABLE revoked (
        sid TEXT PRIMARY KEY,
        at INTEGER NOT NULL,
        until INTEGER NOT NULL      -- no token that names it can be alive then
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX revoked_at ON revoked (at);
    CREATE INDEX revoked_until ON revoked (until);
    CREATE TABLE floor (            -- one row: sessions that began earlier have ended
        at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO floor VALUES (0);
    """,
    # When a renewal bound a session to a device, and which tokens were given out after that. What was bound
    # before counts as bound long ago, and its tokens as given to the device.
    """
    ALTER TABLE session RENAME COLUMN bound_late TO bound_at;  -- seconds since 1970; 0 if at the sign-in
    ALTER TABLE refresh ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE refresh ADD COLUMN strays INTEGER NOT NULL DEFAULT 0;  -- see rotation.py
    UPDATE refresh SET proven = 1 WHERE sid IN (SELECT sid FROM session WHERE jkt IS NOT NULL);
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
