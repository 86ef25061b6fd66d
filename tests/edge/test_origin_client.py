"""What is asked of the origin, with which proof, and what its answers come to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from edge.errors import Problem
from edge.keys import NativeKeys
from edge.origin_client import OriginClient
from edge.records import NOBODY, Page, Record
from edge.session_wire import (
    Renewed,
    decode_end,
    decode_refresh,
    decode_session,
    encode_begun,
    encode_renewed,
)
from edge.tokens import check_assertion
from edge.types import Principal, Reply
from edge.wire import COMMIT_LIMIT, Commit, Outcome, RecordKey, StoredResponse, decode_commit, encode_outcome

ANN = Principal("ann", "S" * 22, 3)
KEY = "a-key-of-a-test-0001"
CUP = RecordKey("user", "cups", "a")
JKT = "k" * 43
TOKEN = f"{ANN.sid}.{'t' * 43}"
RENEWED = Renewed(ANN.sid, "ann", {"role": "admin"}, 3, JKT, 1_767_225_600, TOKEN, False)
RESPONSE = StoredResponse(303, (("location", "/"),), b"", {"cups": 1})
MARK = "0" * 64
COMMIT = Commit(MARK, (), (), RESPONSE)


class Origin:
    """Notes calls and gives `reply` to all of them."""

    def __init__(self, status: int = 200, body: Any = None) -> None:
        self.calls: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.reply = Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.calls.append((method, target, headers, body))
        return self.reply


def client(origin: Origin, signer: NativeKeys | None = None, clock: Any = None) -> OriginClient:
    return OriginClient(origin, signer, clock)


def test_record_is_asked_for_by_its_place() -> None:
    origin = Origin(200, {"id": "a", "version": 2, "value": {"n": 1}})
    assert asyncio.run(client(origin).record(ANN, CUP)) == Record("a", 2, {"n": 1})
    assert origin.calls == [("GET", "/records/user/cups/a", {}, b"")]


def test_absent_record_is_none() -> None:
    assert asyncio.run(client(Origin(404, b"")).record(ANN, CUP)) is None


@pytest.mark.parametrize(("after", "query"), [(None, "limit=3"), ("b", "limit=3&after=b")])
def test_page_is_asked_for_by_its_window(after: str | None, query: str) -> None:
    origin = Origin(200, {"items": [{"id": "c", "version": 1, "value": {}}], "next": "c"})
    page = asyncio.run(client(origin).page(ANN, "shared", "stock", 3, after))
    assert page == Page([Record("c", 1, {})], "c")
    assert origin.calls[0][:2] == ("GET", f"/records/shared/stock?{query}")


def test_commit_goes_out_under_its_key_and_comes_back_as_an_outcome() -> None:
    origin = Origin(200, encode_outcome(Outcome(True, RESPONSE)))
    assert asyncio.run(client(origin).commit(ANN, KEY, COMMIT)) == Outcome(True, RESPONSE)
    ((method, target, headers, body),) = origin.calls
    assert (method, target, headers["idempotency-key"]) == ("POST", "/commit", KEY)
    assert decode_commit(body) == COMMIT


def test_outcome_of_an_earlier_commit_is_found_or_none() -> None:
    origin = Origin(200, encode_outcome(Outcome(True, RESPONSE)))
    assert asyncio.run(client(origin).outcome(ANN, KEY, MARK)) == Outcome(True, RESPONSE)
    assert origin.calls[0][:2] == ("GET", f"/commit/{KEY}?fingerprint={MARK}")
    assert asyncio.run(client(Origin(404, b"")).outcome(ANN, KEY, MARK)) is None


def test_session_begins_with_what_the_app_said_and_the_device_proved() -> None:
    origin = Origin(200, encode_begun(4, TOKEN))
    assert asyncio.run(client(origin).create_session(ANN, {"role": "admin"}, JKT)) == (4, TOKEN)
    ((method, target, _headers, body),) = origin.calls
    assert (method, target) == ("POST", "/sessions")
    assert decode_session(body) == ({"role": "admin"}, JKT)


def test_session_is_renewed_by_its_token_and_the_proved_device() -> None:
    origin = Origin(200, encode_renewed(RENEWED))
    assert asyncio.run(client(origin).refresh_session(TOKEN, JKT)) == RENEWED
    ((method, target, _headers, body),) = origin.calls
    assert (method, target) == ("POST", "/sessions/refresh")
    assert decode_refresh(body) == (TOKEN, JKT)


@pytest.mark.parametrize("everywhere", [True, False])
def test_session_is_ended_here_or_everywhere(everywhere: bool) -> None:
    origin = Origin(200, {})
    asyncio.run(client(origin).end_session(ANN, everywhere=everywhere))
    ((method, target, _headers, body),) = origin.calls
    assert (method, target) == ("POST", "/sessions/end")
    assert decode_end(body) is everywhere


@pytest.mark.parametrize("code", ["session-ended", "device-proof", "origin-unavailable"])
def test_what_ends_a_session_is_told_to_the_user(code: str) -> None:
    problem = Problem(code)
    with pytest.raises(Problem, match=code):
        asyncio.run(client(Origin(problem.status, problem.encode())).refresh_session(TOKEN, None))


def test_each_call_proves_who_asks_for_what(keys: NativeKeys, clock: Any) -> None:
    origin = Origin(404, b"")
    made = client(origin, keys, clock)
    asyncio.run(made.record(ANN, CUP))
    asyncio.run(made.outcome(Principal("bob"), KEY, MARK))
    origin.reply = Reply(200, {}, b'{"items":[],"next":null}')
    asyncio.run(made.page(Principal("cyd"), "user", "cups", 50, "x.y"))
    origin.reply = Reply(200, {}, encode_outcome(Outcome(False, RESPONSE)))
    asyncio.run(made.commit(Principal("dan"), KEY, COMMIT))
    origin.reply = Reply(200, {}, encode_begun(1, TOKEN))
    asyncio.run(made.create_session(ANN, {}, None))
    origin.reply = Reply(200, {}, encode_renewed(RENEWED))
    asyncio.run(made.refresh_session(TOKEN, None))
    origin.reply = Reply(200, {}, b"{}")
    asyncio.run(made.end_session(ANN, everywhere=True))
    principals = []
    for method, target, headers, body in origin.calls:
        scheme, _, token = headers["authorization"].partition(" ")
        key = headers.get("idempotency-key", "")
        assert scheme == "Bearer"
        principals.append(asyncio.run(check_assertion(token, keys, method, target, body, key, clock)))
    others = [Principal("bob"), Principal("cyd"), Principal("dan")]
    assert principals == [ANN, *others, ANN, NOBODY, ANN]


def test_browser_sends_no_proof() -> None:
    origin = Origin(404, b"")
    asyncio.run(client(origin).record(ANN, CUP))
    assert "authorization" not in origin.calls[0][2]


@pytest.mark.parametrize("code", ["version-conflict", "key-reused", "overloaded", "origin-unavailable"])
def test_problem_of_the_origin_is_raised_as_it_is(code: str) -> None:
    problem = Problem(code, "because")
    origin = Origin(problem.status, problem.encode())
    with pytest.raises(Problem) as caught:
        asyncio.run(client(origin).commit(ANN, KEY, COMMIT))
    assert (caught.value.code, caught.value.detail) == (code, "because")


def test_what_the_origin_says_is_for_developers() -> None:  # case N11
    origin = Origin(409, Problem("version-conflict", "shared/stock/tea has version 8").encode())
    with pytest.raises(Problem) as caught:
        asyncio.run(client(origin).commit(ANN, KEY, COMMIT))
    assert caught.value.for_developers


def test_a_commit_that_the_origin_would_not_take_is_not_sent() -> None:  # case N3
    origin = Origin(200, b"{}")
    response = StoredResponse(200, (("x-large", "y" * COMMIT_LIMIT),), b"")
    with pytest.raises(Problem, match=f"commit-too-large: .* of {COMMIT_LIMIT} bytes"):
        asyncio.run(client(origin).commit(ANN, KEY, replace(COMMIT, response=response)))
    assert origin.calls == []


def test_a_conflict_says_whether_the_next_try_has_its_turn() -> None:  # case C1
    origin = Origin(409, Problem("version-conflict", turn=True, record="tea").encode())
    with pytest.raises(Problem) as caught:
        asyncio.run(client(origin).commit(ANN, KEY, COMMIT))
    assert caught.value.members == {"turn": True}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, Problem("unauthorized").encode()),
        (400, b'{"code":"of-another-version"}'),
        (500, b"<h1>Internal Server Error</h1>"),
        (200, b"not json"),
        (200, b"\xff"),
        (500, b"[]"),
        (503, b"{}"),
    ],
    ids=str,
)
def test_everything_else_is_the_origins_fault_and_never_the_users(status: int, body: bytes) -> None:
    made = client(Origin(status, body))
    calls: list[Callable[[], Any]] = [
        lambda: made.record(ANN, CUP),
        lambda: made.commit(ANN, KEY, COMMIT),
        lambda: made.outcome(ANN, KEY, MARK),
        lambda: made.create_session(ANN, {}, None),
        lambda: made.refresh_session(TOKEN, None),
        lambda: made.end_session(ANN, everywhere=False),
    ]
    for call in calls:
        with pytest.raises(Problem, match="origin-invalid"):
            asyncio.run(call())


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id":"a"}', b"null", b'"text"'])
def test_answer_without_what_was_asked_for_is_invalid(body: bytes) -> None:
    with pytest.raises(Problem, match="origin-invalid"):
        asyncio.run(client(Origin(200, body)).record(ANN, CUP))
    with pytest.raises(Problem, match="origin-invalid"):
        asyncio.run(client(Origin(200, body)).page(ANN, "user", "cups", 50, None))


def test_origin_that_cannot_be_reached_is_the_problem_of_the_fetch() -> None:
    async def unreachable(*_call: Any) -> Reply:
        raise Problem("origin-unavailable")

    with pytest.raises(Problem, match="origin-unavailable"):
        asyncio.run(OriginClient(unreachable, None, lambda: 0.0).record(ANN, CUP))
