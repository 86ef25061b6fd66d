"""What a view remembers about the requests that made it."""

from __future__ import annotations

import pytest

from edge.applied import COUNT, DIGITS, FORGOTTEN, LENGTH, STORED, find, remember
from edge.errors import Problem

ONE, TWO = "1" * 64, "2" * 64


def test_a_remembered_request_is_found_with_who_keeps_its_answer() -> None:
    applied = remember((), "key-one", ONE, stored=False)
    applied = remember(applied, "key-two", TWO, stored=True)
    assert find(applied, "key-one", ONE) == FORGOTTEN
    assert find(applied, "key-two", TWO) == STORED
    assert find(applied, "key-three", ONE) is None
    assert find((), "key-one", ONE) is None


def test_another_request_under_the_same_key_is_told_apart() -> None:
    applied = remember((), "key-one", ONE, stored=False)
    with pytest.raises(Problem, match="key-reused"):
        find(applied, "key-one", TWO)


def test_a_key_that_begins_like_another_is_another() -> None:
    applied = remember((), "key-one", ONE, stored=False)
    assert find(applied, "key-on", ONE) is None
    assert find(applied, "key-one.", ONE) is None


def test_the_oldest_is_forgotten_first() -> None:
    applied: tuple[str, ...] = ()
    for number in range(COUNT + 2):
        applied = remember(applied, f"key-{number}", ONE, stored=False)
    assert len(applied) == COUNT
    assert find(applied, "key-1", ONE) is None
    assert find(applied, "key-2", ONE) == FORGOTTEN


def test_long_keys_take_no_more_room_than_others() -> None:
    applied: tuple[str, ...] = ()
    for number in range(COUNT):
        applied = remember(applied, f"{number:064x}", ONE, stored=False)
    assert len(applied) == COUNT >= 20
    assert {len(entry) for entry in applied} == {LENGTH + 1 + DIGITS}
    assert all(find(applied, f"{number:064x}", ONE) == FORGOTTEN for number in range(COUNT))
