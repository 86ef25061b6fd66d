"""Migrations run once each, in order, and never half."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest

from origin.errors import StartError
from origin.schema import MIGRATIONS, migrate


@pytest.fixture
def connection():
    with closing(apsw.Connection(":memory:")) as connection:
        yield connection


def test_a_new_database_gets_all(connection):
    migrate(connection)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").get
    assert tables == [
        "account",
        "catalog",
        "client_floor",
        "floor",
        "outcome",
        "record",
        "refresh",
        "revoked",
        "session",
    ]
    assert connection.execute("PRAGMA user_version").get == len(MIGRATIONS)


def test_each_runs_once(connection):
    steps = ("CREATE TABLE a (x)", "CREATE TABLE b (x)")
    migrate(connection, steps[:1])
    migrate(connection, steps)
    migrate(connection, steps)
    assert connection.execute("PRAGMA user_version").get == 2


def test_a_failing_one_leaves_nothing(connection):
    with pytest.raises(apsw.SQLError):
        migrate(connection, ("CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"))
    assert connection.execute("SELECT name FROM sqlite_schema").get == "a"
    assert connection.execute("PRAGMA user_version").get == 1


def test_a_newer_database_is_refused(connection):
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StartError, match="has schema 99"):
        migrate(connection)
