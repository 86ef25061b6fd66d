"""The cache that everything cached goes through."""

from __future__ import annotations

from collections.abc import Callable

from edge.cache import ByteCache


def test_value_is_kept_until_its_life_is_over(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(100, clock)
    cache.put("tea", "green", size=1, life=10)
    clock.now += 9.9  # type: ignore[attr-defined]
    assert cache.get("tea") == "green"
    clock.now += 0.1  # type: ignore[attr-defined]
    assert cache.get("tea") is None


def test_each_entry_has_a_life_of_its_own(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(100, clock)
    cache.put("short", "s", size=1, life=1)
    cache.put("long", "l", size=1, life=100)
    clock.now += 50  # type: ignore[attr-defined]
    assert (cache.get("short"), cache.get("long")) == (None, "l")


def test_life_of_zero_keeps_nothing(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(100, clock)
    cache.put("tea", "green", size=1, life=0)
    assert cache.get("tea") is None


def test_least_recently_used_goes_when_the_bytes_are_full(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(10, clock)
    cache.put("a", "a", size=4, life=10)
    cache.put("b", "b", size=4, life=10)
    assert cache.get("a") == "a"  # "b" is now the older one
    cache.put("c", "c", size=4, life=10)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("a", None, "c")
    assert cache.size == 8


def test_value_over_the_whole_limit_is_not_kept_and_neither_is_its_predecessor(
    clock: Callable[[], float],
) -> None:
    cache: ByteCache[str] = ByteCache(10, clock)
    cache.put("tea", "old", size=1, life=10)
    cache.put("tea", "new", size=11, life=10)
    assert cache.get("tea") is None
    assert cache.size == 0


def test_a_new_value_replaces_the_old_one_and_its_size(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(10, clock)
    cache.put("tea", "old", size=8, life=10)
    cache.put("tea", "new", size=3, life=10)
    assert cache.get("tea") == "new"
    assert cache.size == 3


def test_dropping_what_is_there_or_not(clock: Callable[[], float]) -> None:
    cache: ByteCache[str] = ByteCache(10, clock)
    cache.put("tea", "green", size=1, life=10)
    cache.drop("tea")
    cache.drop("tea")
    assert cache.get("tea") is None


def test_none_is_a_value_only_by_its_size(clock: Callable[[], float]) -> None:
    cache: ByteCache[str | None] = ByteCache(10, clock)
    cache.put("tea", None, size=2, life=10)
    assert cache.get("tea") is None
    assert cache.size == 2
