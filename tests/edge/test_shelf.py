"""What is kept while there is room for it."""

from __future__ import annotations

import pytest

from edge.shelf import Shelf


class Book:
    """Takes 10 bytes ready for use, 4 otherwise."""

    def __init__(self) -> None:
        self.open = True

    @property
    def size(self) -> int:
        return 10 if self.open else 4

    def load(self) -> None:
        self.open = True

    def unload(self) -> None:
        self.open = False


class World:
    def __init__(self, max_bytes: int) -> None:
        self.told: list[tuple[int, int]] = []
        self.shelf: Shelf[Book] = Shelf(max_bytes, lambda *told: self.told.append(told))
        self.books = {name: Book() for name in "abc"}

    def put(self, names: str) -> None:
        for name in names:
            self.shelf.put(name, self.books[name])

    def open(self) -> str:
        return "".join(name for name, book in self.books.items() if book.open)


def test_all_stays_as_it_is_while_there_is_room() -> None:
    world = World(30)
    world.put("abc")
    assert (world.open(), world.shelf.size, world.told) == ("abc", 30, [])


def test_those_not_used_for_longest_are_unloaded_first() -> None:
    world = World(25)
    world.put("abc")
    assert (world.open(), world.shelf.size) == ("bc", 24)
    world = World(25)
    world.put("ab")
    world.shelf.get("a")
    world.put("c")
    assert world.open() == "ac"


def test_whatever_is_got_is_ready_again_and_something_else_gives_way() -> None:
    world = World(25)
    world.put("abc")
    assert world.shelf.get("a") is world.books["a"]
    assert world.open() == "ac"


def test_when_unloading_is_not_enough_they_go_altogether() -> None:
    world = World(15)
    world.put("abc")
    assert world.shelf.get("a") is None
    assert world.shelf.get("b") is world.books["b"]


@pytest.mark.parametrize("max_bytes", [0, 9])
def test_the_one_used_last_stays_whatever_its_size(max_bytes: int) -> None:
    world = World(max_bytes)
    world.put("ab")
    assert (world.shelf.get("a"), world.shelf.get("b")) == (None, world.books["b"])
    assert world.books["b"].open


def test_that_there_is_no_room_is_told_once() -> None:
    world = World(25)
    world.put("abcabc")
    assert world.told == [(30, 25)]


def test_what_is_dropped_or_replaced_takes_no_room() -> None:
    world = World(20)
    world.put("ab")
    world.shelf.drop("a")
    world.shelf.drop("a")
    world.put("cb")
    assert (world.shelf.get("a"), world.shelf.size, world.told) == (None, 20, [])
