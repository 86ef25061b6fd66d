"""Ended sessions are refused in time, and what happens while nobody can say which have ended."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from edge.errors import Problem
from edge.keys import NativeKeys, fixed, generate
from edge.revocations import FRESH, PATIENCE, PAUSE, USABLE, WRITABLE, OriginKeys, Revocations
from edge.tokens import Session, mint_revocations
from edge.types import Reply
from edge.wire import encode_json

USER = Session("ann", "u" * 22, False, 0, 1, {}, None, 1_767_225_600)
GUEST = Session("guest", "g" * 22, True, 0, 0, {}, None, 0)
DELAY = 0.005  # seconds that the origin takes to answer, of real time


class Origin:
    """Signs a list whenever it is asked; `ended` are the sessions in it."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.keys = NativeKeys(fixed(generate()), clock)
        self.ended: set[str] = set()
        self.floor = self.calls = 0
        self.available = True
        self.cached: str | None = None

    async def __call__(self, path: str, etag: str | None) -> Reply:
        self.calls += 1
        await asyncio.sleep(DELAY)
        if not self.available:
            raise Problem("origin-unavailable")
        if path == "/keys":
            return Reply(200, {}, encode_json(self.keys.jwks))
        assert path == "/revocations"
        token = self.cached or await mint_revocations(self.keys, self.floor, self.ended, self.clock())
        return Reply(200, {}, token.encode())


@pytest.fixture
def origin(clock: Any) -> Origin:
    return Origin(clock)


@pytest.fixture
def revocations(origin: Origin, clock: Any) -> Revocations:
    return Revocations(origin, origin.keys, clock, clock)


async def verdict(revocations: Revocations, session: Session = USER, *, writing: bool = False) -> str:
    try:
        await revocations.check(session, writing=writing)
    except Problem as problem:
        return problem.code
    return "goes on"


async def settle() -> None:
    """Let what goes on in the background come to its end."""
    await asyncio.sleep(5 * DELAY)


def test_an_ended_session_is_refused_everything(revocations: Revocations, origin: Origin) -> None:
    async def story() -> None:
        origin.ended = {USER.sid}
        assert await verdict(revocations) == "session-ended"
        assert await verdict(revocations, writing=True) == "session-ended"
        assert await verdict(revocations, GUEST, writing=True) == "goes on"

    asyncio.run(story())


@pytest.mark.parametrize("pause", [1, 4, 7, 12, 25, 26, 29, 61, 500])
def test_within_thirty_seconds_whatever_the_rhythm_of_requests(
    revocations: Revocations, origin: Origin, clock: Any, pause: int
) -> None:
    async def story() -> None:
        await verdict(revocations)
        for _ in range(1 + 60 // pause):
            clock.now += pause
            assert await verdict(revocations, writing=True) == "goes on"
            await settle()
        origin.ended, ended_at = {USER.sid}, clock.now
        while await verdict(revocations) == "goes on":
            assert clock.now - ended_at < 30
            clock.now += pause
            await settle()

    asyncio.run(story())


def test_a_young_list_is_not_asked_for_again(revocations: Revocations, origin: Origin, clock: Any) -> None:
    async def story() -> None:
        await verdict(revocations)
        clock.now += FRESH
        await verdict(revocations)
        await settle()
        assert origin.calls == 1
        clock.now += 1
        await verdict(revocations)  # is not kept waiting
        assert origin.calls == 1
        await settle()
        assert origin.calls == 2

    asyncio.run(story())


def test_many_requests_share_one_fetch(revocations: Revocations, origin: Origin) -> None:
    async def story() -> None:
        origin.ended = {USER.sid}
        assert set(await asyncio.gather(*(verdict(revocations) for _ in range(50)))) == {"session-ended"}
        assert origin.calls == 1

    asyncio.run(story())


def test_without_the_origin_reading_goes_on_and_writing_ends(
    revocations: Revocations, origin: Origin, clock: Any
) -> None:
    async def story() -> None:
        await verdict(revocations)
        origin.available = False
        clock.now += WRITABLE
        assert await verdict(revocations, writing=True) == "goes on"
        clock.now += 1
        assert await verdict(revocations, writing=True) == "origin-unavailable"
        assert await verdict(revocations) == "goes on"
        assert await verdict(revocations, GUEST, writing=True) == "goes on"
        origin.available = True
        clock.now += PAUSE
        assert await verdict(revocations, writing=True) == "goes on"

    asyncio.run(story())


def test_a_host_that_never_saw_a_list_writes_for_nobody(revocations: Revocations, origin: Origin) -> None:
    async def story() -> None:
        origin.available = False
        assert await verdict(revocations) == "goes on"
        assert await verdict(revocations, writing=True) == "origin-unavailable"

    asyncio.run(story())


def test_what_was_known_to_have_ended_stays_so_without_the_origin(
    revocations: Revocations, origin: Origin, clock: Any
) -> None:
    async def story() -> None:
        origin.ended = {USER.sid, GUEST.sid}
        await verdict(revocations)
        origin.available = False
        clock.now += 500
        assert await verdict(revocations) == "session-ended"
        assert await verdict(revocations, GUEST) == "session-ended"

    asyncio.run(story())


def test_guests_are_never_kept_waiting(revocations: Revocations, origin: Origin) -> None:
    async def story() -> None:
        origin.ended = {GUEST.sid}
        assert await verdict(revocations, GUEST) == "goes on"
        await settle()
        assert await verdict(revocations, GUEST) == "session-ended"

    asyncio.run(story())


def test_after_a_failure_requests_neither_wait_nor_ask_for_a_while(
    revocations: Revocations, origin: Origin, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        origin.available = False
        for _ in range(5):
            await verdict(revocations)
        assert origin.calls == 1
        clock.now += PAUSE
        await verdict(revocations)
        assert origin.calls == 2

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert len(caplog.records) == 1  # said once, not with each try


def test_an_origin_that_hangs_holds_nobody_up_for_long(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        origin_answers = asyncio.Event()

        async def hang(path: str, etag: str | None) -> Reply:
            await origin_answers.wait()
            raise Problem("origin-unavailable")

        hanging = Revocations(hang, origin.keys, origin.clock, origin.clock)
        assert await verdict(hanging) == "goes on"
        assert await verdict(hanging, writing=True) == "origin-unavailable"
        origin_answers.set()
        await settle()

    assert PATIENCE < 10
    monkeypatch.setattr("edge.revocations.PATIENCE", DELAY)
    asyncio.run(story())


@pytest.mark.parametrize("answer", ["", "x", "a.b.c", "é"], ids=range(4))
def test_a_list_that_is_none_is_no_list(origin: Origin, clock: Any, answer: str) -> None:
    async def fetch(path: str, etag: str | None) -> Reply:
        return Reply(200, {}, answer.encode())

    made = Revocations(fetch, origin.keys, clock, clock)
    assert asyncio.run(verdict(made, writing=True)) == "origin-unavailable"


def test_a_list_by_somebody_else_is_no_list(origin: Origin, clock: Any) -> None:
    made = Revocations(origin, NativeKeys(fixed(generate()), clock), clock, clock)
    assert asyncio.run(verdict(made, writing=True)) == "origin-unavailable"


def test_an_old_list_never_replaces_a_newer_one(revocations: Revocations, origin: Origin, clock: Any) -> None:
    async def story() -> None:
        origin.cached = await mint_revocations(origin.keys, 0, [], clock())
        cached, origin.cached = origin.cached, None
        clock.now += 5
        origin.ended = {USER.sid}
        assert await verdict(revocations) == "session-ended"
        origin.cached = cached  # some cache on the way still has it
        clock.now += USABLE + 1
        assert await verdict(revocations) == "session-ended"

    asyncio.run(story())


def test_age_counts_from_when_the_origin_signed(revocations: Revocations, origin: Origin, clock: Any) -> None:
    async def story() -> None:
        origin.cached = await mint_revocations(origin.keys, 0, [], clock())
        clock.now += USABLE
        await verdict(revocations)
        clock.now += 1
        origin.cached, origin.ended = None, {USER.sid}
        assert await verdict(revocations) == "session-ended"

    asyncio.run(story())


def test_the_floor_is_for_users_tokens_only(revocations: Revocations, origin: Origin, clock: Any) -> None:
    async def story() -> None:
        origin.floor = USER.issued_at
        assert await verdict(revocations) == "goes on"
        clock.now += FRESH + 1
        origin.floor = USER.issued_at + 1
        await verdict(revocations)
        await settle()
        assert await verdict(revocations) == "session-ended"
        assert revocations.is_outdated(USER)
        assert await verdict(revocations, GUEST) == "goes on"
        assert not revocations.is_outdated(GUEST)

    asyncio.run(story())


def test_a_loop_that_ended_with_a_fetch_under_way_is_no_obstacle(
    revocations: Revocations, origin: Origin
) -> None:
    origin.ended = {GUEST.sid}
    assert asyncio.run(verdict(revocations, GUEST)) == "goes on"  # and its loop ends at once

    async def story() -> None:
        await verdict(revocations, GUEST)
        await settle()
        assert await verdict(revocations, GUEST) == "session-ended"

    asyncio.run(story())


# Whose list it is


def test_the_first_keys_that_verify_are_believed_from_then_on(origin: Origin, clock: Any) -> None:
    async def load(jwks: Any) -> NativeKeys:
        return NativeKeys(fixed(jwks), clock)

    async def story() -> None:
        made = Revocations(origin, OriginKeys(origin, load), clock, clock)
        origin.available = False
        assert await verdict(made, writing=True) == "origin-unavailable"
        origin.available = True
        clock.now += PAUSE
        assert await verdict(made, writing=True) == "goes on"
        origin.keys = NativeKeys(fixed(generate()), clock)  # somebody takes its place
        clock.now += WRITABLE + 1
        assert await verdict(made, writing=True) == "origin-unavailable"

    asyncio.run(story())


def test_keys_that_verify_nothing_are_not_believed(origin: Origin, clock: Any) -> None:
    async def load(jwks: Any) -> NativeKeys:
        return NativeKeys(fixed(jwks), clock)

    async def story() -> None:
        made, real = Revocations(origin, OriginKeys(origin, load), clock, clock), origin.keys
        origin.cached = await mint_revocations(real, 0, [], clock())
        origin.keys = NativeKeys(fixed(generate()), clock)  # of somebody in between, for a moment
        assert await verdict(made, writing=True) == "origin-unavailable"
        origin.keys = real
        clock.now += PAUSE
        assert await verdict(made, writing=True) == "goes on"

    asyncio.run(story())


def test_a_newer_list_of_the_same_second_is_newer(origin: Origin, clock: Any) -> None:
    async def story() -> None:
        timer = [0.0]
        made = Revocations(origin, origin.keys, clock, lambda: timer[0])
        assert await verdict(made) == "goes on"
        origin.ended = {USER.sid}
        timer[0] += USABLE + 1
        assert await verdict(made) == "session-ended"

    asyncio.run(story())
