"""Readers see what is committed, cannot write, and survive a failing query."""

from __future__ import annotations

from contextlib import closing

import pytest

from edge.errors import Problem
from origin.database import open_reader, open_writer
from origin.readers import Readers

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    return tmp_path / "origin.db"


@pytest.fixture
def connection(path):
    with closing(open_writer(path)) as connection:
        yield connection


@pytest.fixture
def readers(path, connection):
    readers = Readers(lambda: open_reader(path), size=2)
    yield readers
    readers.close()


def count(connection):
    return connection.execute("SELECT count(*) FROM catalog").get


async def test_a_read_does_not_wait_for_the_writer_and_sees_only_commits(readers, connection):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO catalog VALUES ('teas', 'v1', x'00')")
    assert await readers.read(count) == 0
    connection.execute("COMMIT")
    assert await readers.read(count) == 1


async def test_a_failing_query_leaves_its_connection_usable(readers, connection):
    for _ in range(3):
        with pytest.raises(Problem, match="origin-unavailable"):
            await readers.read(lambda reader: reader.execute("DELETE FROM catalog"))
    assert await readers.read(count) == 0
