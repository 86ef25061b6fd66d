"""The contract of `origin.store.Store`; parametrise the fixture `store` to hold another one to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from edge.errors import Problem
from edge.types import Principal
from edge.wire import Outcome, Read, RecordKey
from origin.store import Collection, Ended, Page, Record

pytestmark = pytest.mark.anyio

ANN, BOB = Principal("ann"), Principal("bob")
KEY = "client-1.00000001"
OTHER = "client-1.00000002"
CUP = RecordKey("user", "cups", "1")
TEA = RecordKey("shared", "stock", "tea")


async def test_a_commit_is_applied_and_remembered(store, make_commit):
    commit = make_commit(
        {"cups/1": {"size": 2}}, state={"cups": 1}, headers=(("location", "/"),), body=b"\xff\0"
    )
    assert await store.commit(ANN, KEY, commit, 0) == Outcome(False, commit.response)
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})
    assert await store.outcome("ann", KEY) == Outcome(True, commit.response)


async def test_the_same_key_replays_and_changes_nothing(store, make_commit):
    commit = make_commit({"cups/1": {"size": 2}})
    await store.commit(ANN, KEY, commit, 0)
    assert await store.commit(ANN, KEY, commit, 9) == Outcome(True, commit.response)
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})


async def test_the_key_is_looked_up_before_the_versions(store, make_commit):
    """Otherwise the retry of a successful commit would conflict with its own effect."""
    commit = make_commit({"cups/1": {"size": 2}}, reads=(Read(CUP, 0),))
    await store.commit(ANN, KEY, commit, 0)
    assert (await store.commit(ANN, KEY, commit, 0)).replayed


async def test_the_same_key_twice_at_once_is_applied_once(store, make_commit):
    commit = make_commit({"cups/1": {"size": 2}})
    outcomes = await asyncio.gather(*(store.commit(ANN, KEY, commit, 0) for _ in range(20)))
    assert sorted(outcome.replayed for outcome in outcomes) == [False] + 19 * [True]
    assert (await store.record("ann", CUP)).version == 1


async def test_a_key_belongs_to_one_request(store, make_commit):
    await store.commit(ANN, KEY, make_commit({"cups/1": {"size": 2}}), 0)
    with pytest.raises(Problem, match="key-reused"):
        await store.commit(ANN, KEY, make_commit({"cups/1": {"size": 3}}), 0)
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})


async def test_a_key_counts_in_the_name_of_its_author(store, make_commit):
    """case T1: a guest's write may be sent by the next guest, and still happens once."""
    commit = make_commit({"cups/1": {"size": 2}})
    theirs = replace(commit, author="ann")
    assert not (await store.commit(BOB, KEY, theirs, 0)).replayed
    assert await store.record("bob", CUP) == Record("1", 1, {"size": 2})
    assert await store.record("ann", CUP) is None
    assert (await store.commit(Principal("cyd"), KEY, theirs, 0)).replayed
    assert (await store.commit(ANN, KEY, commit, 0)).replayed
    assert await store.outcome("ann", KEY) == Outcome(True, commit.response)
    assert await store.outcome("bob", KEY) is None
    assert await store.record("cyd", CUP) is None


async def test_two_users_never_meet(store, make_commit):
    await store.commit(ANN, KEY, make_commit({"cups/1": {"size": 2}}, body=b"ann"), 0)
    assert await store.outcome("bob", KEY) is None
    assert await store.record("bob", CUP) is None
    outcome = await store.commit(BOB, KEY, make_commit({"cups/1": {"size": 5}}, body=b"bob"), 0)
    assert outcome.response.body == b"bob"
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})
    assert await store.record("bob", CUP) == Record("1", 1, {"size": 5})


async def test_shared_records_belong_to_everybody(store, make_commit):
    await store.commit(ANN, KEY, make_commit({"shared:stock/tea": {"left": 3}}), 0)
    assert await store.record("bob", TEA) == Record("tea", 1, {"left": 3})
    assert await store.record("bob", TEA._replace(scope="user")) is None


async def test_a_conflict_leaves_nothing(store, make_commit):
    await store.commit(ANN, KEY, make_commit({"shared:stock/tea": {"left": 3}}), 0)
    writes = {"cups/1": {"size": 2}, "shared:stock/tea": {"left": 2}}
    for version in (0, 2):
        with pytest.raises(Problem, match="version-conflict"):
            await store.commit(BOB, OTHER, make_commit(writes, reads=(Read(TEA, version),)), 0)
    assert await store.outcome("bob", OTHER) is None
    assert await store.record("bob", CUP) is None
    assert await store.record("bob", TEA) == Record("tea", 1, {"left": 3})
    # The key stays free: the handler runs again on fresh reads and commits under it.
    await store.commit(BOB, OTHER, make_commit(writes, reads=(Read(TEA, 1), Read(CUP, 0))), 0)
    assert await store.record("bob", TEA) == Record("tea", 2, {"left": 2})


async def test_concurrent_commits_lose_no_update(store, make_commit):
    conflicts = []

    async def count(number: int) -> None:
        while True:
            seen = await store.record("ann", TEA) or Record("tea", 0, {"count": 0})
            commit = make_commit(
                {"shared:stock/tea": {"count": seen.value["count"] + 1}}, reads=(Read(TEA, seen.version),)
            )
            try:
                await store.commit(Principal(f"user-{number}"), KEY, commit, 0)
                return
            except Problem:
                conflicts.append(number)

    await asyncio.gather(*(count(number) for number in range(12)))
    assert await store.record("ann", TEA) == Record("tea", 12, {"count": 12})
    assert conflicts


async def test_deleted_is_absent(store, make_commit):
    await store.commit(ANN, KEY, make_commit({"cups/1": {"size": 2}}), 0)
    await store.commit(ANN, OTHER, make_commit({"cups/1": None}, reads=(Read(CUP, 1),)), 0)
    assert await store.record("ann", CUP) is None
    assert await store.page("ann", "user", "cups", 10, None) == Page((), None)


async def test_a_version_never_means_two_values(store, make_commit):
    """A record that is deleted and made anew must not look unchanged to one who saw the old one."""
    for number, value in enumerate(({"size": 1}, None, {"size": 2})):
        await store.commit(ANN, f"client-1.0000000{number}", make_commit({"cups/1": value}), 0)
    with pytest.raises(Problem, match="version-conflict"):
        await store.commit(ANN, "client-1.00000009", make_commit({}, reads=(Read(CUP, 1),)), 0)


async def test_pages_follow_each_other_in_order_of_id(store, make_commit):
    await store.commit(ANN, KEY, make_commit({f"cups/{n}": {"n": n} for n in "cadbe"}), 0)
    await store.commit(BOB, KEY, make_commit({"cups/aa": {}}), 0)
    first = await store.page("ann", "user", "cups", 2, None)
    second = await store.page("ann", "user", "cups", 2, first.next)
    last = await store.page("ann", "user", "cups", 2, second.next)
    assert [[item.id for item in page.items] for page in (first, second, last)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert last.next is None
    assert (await store.page("ann", "user", "cups", 5, None)).next is None


async def test_what_json_cannot_hold_is_not_applied(store, make_commit):
    for state in ({"x": float("nan")}, {"x": "\ud800"}):
        with pytest.raises(Problem, match="malformed-commit"):
            await store.commit(ANN, KEY, make_commit({"cups/1": {}}, state=state), 0)
    assert await store.record("ann", CUP) is None


async def test_publishing_replaces_the_whole_catalog(store):
    await store.publish([Collection("teas", "v1", b"1"), Collection("cups", "v1", b"2")])
    await store.publish([Collection("teas", "v2", b"3")])
    assert await store.collection("teas") == Collection("teas", "v2", b"3")
    assert await store.collection("cups") is None


SID = "S" * 22
SESSION = Principal("ann", SID, 1)


async def test_a_session_is_renewed_until_it_ends(store):
    assert await store.begin_session(SESSION, {"role": "admin"}, None, "a" * 43, 0) == 1
    renewed = await store.renew_session(SID, "a" * 43, "k" * 43, "b" * 43, 300)
    assert renewed == (SID, "ann", {"role": "admin"}, 1, "k" * 43, 0, f"{SID}.{'b' * 43}", True)
    with pytest.raises(Problem, match="device-proof"):
        await store.renew_session(SID, "b" * 43, None, "c" * 43, 600)
    assert (await store.ended(600)).sids == ()
    await store.end_session(SESSION, False, 600)
    with pytest.raises(Problem, match="session-ended"):
        await store.renew_session(SID, "b" * 43, "k" * 43, "c" * 43, 600)
    assert (await store.ended(600)).sids == (SID,)


async def test_that_a_token_was_used_before_is_not_forgotten(store):
    """The refusal is an error to the caller and yet has to be durable."""
    await store.begin_session(SESSION, {}, None, "a" * 43, 0)
    await store.renew_session(SID, "a" * 43, None, "b" * 43, 300)
    await store.renew_session(SID, "b" * 43, None, "c" * 43, 600)
    for secret in ("a", "c"):
        with pytest.raises(Problem, match="session-ended"):
            await store.renew_session(SID, secret * 43, None, "d" * 43, 900)
    assert (await store.ended(900)).sids == (SID,)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_an_ended_session_writes_nothing(store, make_commit, everywhere):
    await store.begin_session(SESSION, {}, None, "a" * 43, 0)
    await store.commit(SESSION, KEY, make_commit({"cups/1": {"size": 2}}), 0)
    await store.end_session(SESSION, everywhere, 0)
    for key in (KEY, OTHER):
        with pytest.raises(Problem, match="session-ended"):
            await store.commit(SESSION, key, make_commit({"cups/1": {"size": 3}}), 0)
    assert await store.outcome("ann", OTHER) is None
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})


async def test_a_floor_ends_what_began_before_it(store):
    await store.begin_session(SESSION, {}, None, "a" * 43, 100)
    await store.raise_floor(101, 200)
    assert await store.ended(200) == Ended(101, (SID,))
    with pytest.raises(Problem, match="session-ended"):
        await store.renew_session(SID, "a" * 43, None, "b" * 43, 300)


async def test_an_answer_is_forgotten_in_time_and_its_key_stays_used(store, make_commit):
    key, week = f"{'A' * 22}.1", 7 * 86_400
    commit = make_commit({"cups/1": {"size": 2}})
    await store.commit(ANN, key, commit, 0)
    await store.commit(BOB, KEY, make_commit({}), week)
    assert await store.outcome("ann", key) is None
    with pytest.raises(Problem, match="idempotency-key-expired"):
        await store.commit(ANN, key, commit, week)
    assert await store.record("ann", CUP) == Record("1", 1, {"size": 2})
