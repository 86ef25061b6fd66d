"""Numbers that many add to: judged where the newest value is, all or nothing with the rest of the commit."""

from __future__ import annotations

import asyncio

import pytest

from edge.errors import Problem
from edge.types import Principal
from edge.wire import Commit, Increment, RecordKey, StoredResponse, Write, decode_commit, encode_commit
from origin.increments import increased

TEA = RecordKey("shared", "stock", "tea")
ANN = Principal("ann")


def commit(number: int, *increments: Increment, writes: tuple[Write, ...] = ()) -> tuple[str, Commit]:
    return f"key-of-a-test-{number:04}", Commit(
        f"{number:064x}", (), writes, StoredResponse(200, (), b""), increments
    )


def test_what_is_not_there_counts_as_0():
    assert increased(None, Increment(TEA, "left", 3, None)) == {"left": 3}
    assert increased('{"a":1}', Increment(TEA, "left", -3, None)) == {"a": 1, "left": -3}


def test_floor_is_the_least_that_may_be_left():
    assert increased('{"left":3}', Increment(TEA, "left", -3, 0)) == {"left": 0}
    assert increased('{"left":3}', Increment(TEA, "left", -4, 0)) is None


@pytest.mark.parametrize("held", ['"3"', "3.5", "null", "true", "[]", str(2**53)])
def test_only_whole_numbers_are_added_to(held):
    with pytest.raises(Problem, match="malformed-commit"):
        increased(f'{{"left":{held}}}', Increment(TEA, "left", 1, None))


def test_commit_with_increments_survives_the_wire():
    _, sent = commit(1, Increment(TEA, "left", -1, 0), Increment(TEA, "sold", 1, None))
    assert decode_commit(encode_commit(sent)) == sent


def test_a_number_and_its_record_cannot_both_be_written():
    _, sent = commit(1, Increment(TEA, "left", 1, None), writes=(Write(TEA, {}),))
    with pytest.raises(Problem, match="malformed-commit"):
        decode_commit(encode_commit(sent))


def test_everybody_adds_and_nobody_collides(store):
    async def run() -> dict:
        sent = [commit(n, Increment(TEA, "sold", 1, None)) for n in range(50)]
        await asyncio.gather(*(store.commit(ANN, key, one, 0) for key, one in sent))
        record = await store.record("ann", TEA)
        return record.value

    assert asyncio.run(run()) == {"sold": 50}


def test_below_the_floor_nothing_of_the_commit_happens_and_the_key_stays_free(store):
    order = RecordKey("user", "orders", "one")
    key, two = commit(1, Increment(TEA, "left", -2, 0), writes=(Write(order, {"packs": 2}),))

    async def run() -> None:
        with pytest.raises(Problem, match="floor-reached"):
            await store.commit(ANN, key, two, 0)
        assert await store.record("ann", order) is None
        await store.commit(ANN, *commit(2, Increment(TEA, "left", 5, None)), 0)
        assert not (await store.commit(ANN, key, two, 0)).replayed
        assert (await store.commit(ANN, key, two, 0)).replayed
        assert (await store.record("ann", TEA)).value == {"left": 3}

    asyncio.run(run())


def test_all_numbers_at_their_floor_are_named_at_once(store):
    tea = [Increment(TEA, "left", -1, 0), Increment(TEA, "sold", 1, None), Increment(TEA, "spare", -2, -1)]

    async def run() -> None:
        with pytest.raises(Problem, match="floor-reached") as refused:
            await store.commit(ANN, *commit(1, *tea), 0)
        assert refused.value.members == {"reached": [[*TEA, "left"], [*TEA, "spare"]]}
        assert await store.record("ann", TEA) is None

    asyncio.run(run())
