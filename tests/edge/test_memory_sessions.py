"""The origin in memory treats sessions as the real one does, as far as tests of apps can tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edge.errors import Problem
from edge.memory_sessions import MemorySessions
from edge.session_wire import (
    decode_begun,
    decode_renewed,
    encode_end,
    encode_refresh,
    encode_session,
)
from edge.tokens import REFRESH_LIFE, open_revocations
from edge.types import Principal

SID = "S" * 22
ANN = Principal("ann", SID, 1)
KEY, OTHER_KEY = "k" * 43, "o" * 43


@pytest.fixture
def sessions(clock: Any) -> MemorySessions:
    return MemorySessions(clock)


def begin(sessions: MemorySessions, principal: Principal = ANN, jkt: str | None = None) -> str:
    epoch, token = decode_begun(sessions.answer("/sessions", principal, encode_session({"n": 1}, jkt)))
    assert epoch == sessions.epochs[principal.subject]
    return token


def renew(sessions: MemorySessions, token: str, jkt: str | None = None) -> str:
    body = encode_refresh(token, jkt)
    renewed = decode_renewed(sessions.answer("/sessions/refresh", Principal("nobody"), body))
    assert (renewed.sid, renewed.subject, renewed.claims, renewed.jkt) == (SID, "ann", {"n": 1}, jkt)
    return renewed.refresh


def refusal(sessions: MemorySessions, token: str, jkt: str | None = None) -> str:
    with pytest.raises(Problem) as caught:
        renew(sessions, token, jkt)
    return caught.value.code


def test_a_session_is_renewed_again_and_again(sessions: MemorySessions, clock: Any) -> None:
    token = begin(sessions)
    for _ in range(5):
        clock.now += REFRESH_LIFE - 1
        token = renew(sessions, token)
    clock.now += REFRESH_LIFE
    assert refusal(sessions, token) == "session-ended"


def test_a_lost_answer_does_no_harm_and_reuse_ends_the_session(sessions: MemorySessions) -> None:
    first = begin(sessions)
    renew(sessions, first)
    second = renew(sessions, first)
    third = renew(sessions, second)
    assert refusal(sessions, first) == "session-ended"
    assert refusal(sessions, third) == "session-ended"
    assert sessions.ended == {SID}


def test_a_bound_session_wants_its_key(sessions: MemorySessions) -> None:
    token = begin(sessions, jkt=KEY)
    assert refusal(sessions, token) == refusal(sessions, token, OTHER_KEY) == "device-proof"
    renew(sessions, token, KEY)
    late = renew(sessions, begin(sessions), KEY)
    assert refusal(sessions, late) == "device-proof"


@pytest.mark.parametrize("token", ["", f"{SID}.{'x' * 43}", f"{'T' * 22}.{'0' * 43}"])
def test_what_is_unknown_is_refused(sessions: MemorySessions, token: str) -> None:
    begin(sessions)
    assert refusal(sessions, token) == "session-ended"
    assert not sessions.ended


def test_ended_here_or_everywhere(sessions: MemorySessions, clock: Any) -> None:
    other = Principal("ann", "T" * 22, 1)
    for principal in (ANN, other, Principal("bob", "U" * 22, 1)):
        begin(sessions, principal)
    sessions.answer("/sessions/end", other, encode_end(False))
    sessions.check(ANN)
    assert sessions.ended == {other.sid}
    sessions.answer("/sessions/end", ANN, encode_end(True))
    assert sessions.ended == {ANN.sid, other.sid}
    for principal in (ANN, Principal("ann", "V" * 22, 1)):
        with pytest.raises(Problem, match="session-ended"):
            sessions.check(principal)
    sessions.check(Principal("bob", "U" * 22, 1))
    with pytest.raises(Problem, match="session-ended"):
        begin(sessions)
    token = asyncio.run(sessions.revocations()).decode()
    assert asyncio.run(open_revocations(token, sessions.keys, clock())).sids == sessions.ended


def test_there_is_nothing_else(sessions: MemorySessions) -> None:
    with pytest.raises(Problem, match="not-found"):
        sessions.answer("/sessions/other", ANN, b"{}")
