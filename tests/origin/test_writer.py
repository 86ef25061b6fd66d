"""Group commit: one fsync for all that wait, and nobody suffers from a neighbour."""

from __future__ import annotations

import asyncio
import threading

import apsw
import pytest

from edge.errors import Problem
from origin.writer import BATCH, Writer

pytestmark = pytest.mark.anyio


class Database:
    """Connects to one file, counts commits, and refuses them on demand."""

    def __init__(self, path) -> None:
        self.path = str(path)
        self.connections = self.commits = 0
        self.broken = False
        self.absent = False

    def connect(self) -> apsw.Connection:
        if self.absent:
            raise apsw.CantOpenError("gone")
        self.connections += 1
        connection = apsw.Connection(self.path)
        connection.execute("CREATE TABLE IF NOT EXISTS number (n INTEGER PRIMARY KEY)")
        connection.set_commit_hook(self._count)
        return connection

    def _count(self) -> bool:
        self.commits += 1
        return self.broken

    def numbers(self) -> list[int]:
        return [n for (n,) in apsw.Connection(self.path).execute("SELECT n FROM number ORDER BY n")]


class Gate:
    """A write that keeps the thread busy until it is opened, so that others pile up behind it."""

    def __init__(self) -> None:
        self.entered, self._open = threading.Event(), threading.Event()

    def __call__(self, connection: apsw.Connection) -> None:
        self.entered.set()
        self._open.wait()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "numbers.db")


@pytest.fixture
def writer(database):
    writer = Writer(database.connect, waiting=100)
    yield writer
    writer.close()


def insert(number):
    def work(connection):
        connection.execute("INSERT INTO number VALUES (?)", (number,))
        return number

    return work


async def pile_up(writer, works):
    """Tasks for `works` that all wait behind a closed gate, and the gate."""
    gate = Gate()
    tasks = [asyncio.create_task(writer.write(gate))]
    await asyncio.to_thread(gate.entered.wait)
    tasks += [asyncio.create_task(writer.write(work)) for work in works]
    await asyncio.sleep(0)
    return gate, tasks


async def test_a_result_comes_after_its_commit(writer, database):
    assert await writer.write(insert(1)) == 1
    assert database.numbers() == [1]


async def test_what_waits_becomes_one_transaction(writer, database):
    gate, tasks = await pile_up(writer, [insert(n) for n in range(BATCH + 6)])
    gate.open()
    assert await asyncio.gather(*tasks) == [None, *range(BATCH + 6)]
    assert database.commits == 3  # the gate alone, a full batch, the rest
    assert database.numbers() == list(range(BATCH + 6))


async def test_a_bad_write_does_not_harm_its_neighbours(writer, database):
    def bad(connection):
        insert(2)(connection)
        raise ValueError("no")

    gate, tasks = await pile_up(writer, [insert(1), bad, insert(1), insert(3)])
    gate.open()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert done[1] == 1
    assert isinstance(done[2], ValueError)
    assert isinstance(done[3], Problem)  # the same primary key again: the database refused
    assert done[4] == 3
    assert database.numbers() == [1, 3]


async def test_a_failed_commit_tells_everybody_and_recovers(writer, database):
    gate, tasks = await pile_up(writer, [insert(1), insert(2)])
    database.broken = True
    gate.open()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [problem.code for problem in done] == ["origin-unavailable"] * 3
    assert "retry with the same key" in done[0].detail
    database.broken = False
    assert await writer.write(insert(3)) == 3
    assert database.numbers() == [3]
    assert database.connections == 3  # opened anew after each failure, of the gate and of the batch


async def test_a_transaction_that_sqlite_gave_up_fails_as_a_whole(writer, database):
    def give_up(connection):
        connection.execute("INSERT OR ROLLBACK INTO number VALUES (1)")

    gate, tasks = await pile_up(writer, [insert(1), give_up, insert(2)])
    gate.open()
    done = await asyncio.gather(*tasks[1:], return_exceptions=True)
    assert [problem.code for problem in done] == ["origin-unavailable"] * 3
    assert database.numbers() == []


async def test_it_goes_on_when_the_database_is_back(writer, database):
    database.broken = database.absent = True
    for _ in range(2):
        with pytest.raises(Problem, match="origin-unavailable"):
            await writer.write(insert(1))
    database.broken = database.absent = False
    assert await writer.write(insert(1)) == 1


async def test_a_full_queue_turns_new_writes_away(writer, database):
    gate, tasks = await pile_up(writer, [insert(n) for n in range(100)])
    with pytest.raises(Problem) as caught:
        await writer.write(insert(100))
    assert caught.value.code == "overloaded"
    assert caught.value.headers == {"Retry-After": "1"}
    gate.open()
    await asyncio.gather(*tasks)
    assert database.numbers() == list(range(100))


async def test_a_caller_who_leaves_does_not_stop_the_others(writer, database):
    gate, tasks = await pile_up(writer, [insert(1), insert(2)])
    tasks[0].cancel()  # its write is running
    tasks[1].cancel()  # its write waits, and is dropped
    await asyncio.sleep(0)
    gate.open()
    assert await tasks[2] == 2
    assert database.numbers() == [2]


async def test_closing_finishes_what_waits(writer, database):
    gate, tasks = await pile_up(writer, [insert(1), insert(2)])
    gate.open()
    writer.close()
    assert database.numbers() == [1, 2]
    await asyncio.gather(*tasks)
