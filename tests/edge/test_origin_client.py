"""What is asked of the origin, with which proof, and what its answers come to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from edge.errors import Problem
from edge.keys import NativeKeys
from edge.origin_client import OriginClient
from edge.records import Page, Record
from edge.tokens import check_assertion
from edge.types import Reply
from edge.wire import Commit, Outcome, RecordKey, StoredResponse, decode_commit, encode_outcome

KEY = "a-key-of-a-test-0001"
CUP = RecordKey("user", "cups", "a")
RESPONSE = StoredResponse(303, (("location", "/"),), b"", {"cups": 1})
COMMIT = Commit("0" * 64, (), (), RESPONSE)


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
    assert asyncio.run(client(origin).record("ann", CUP)) == Record("a", 2, {"n": 1})
    assert origin.calls == [("GET", "/records/user/cups/a", {}, b"")]


def test_absent_record_is_none() -> None:
    assert asyncio.run(client(Origin(404, b"")).record("ann", CUP)) is None


@pytest.mark.parametrize(("after", "query"), [(None, "limit=3"), ("b", "limit=3&after=b")])
def test_page_is_asked_for_by_its_window(after: str | None, query: str) -> None:
    origin = Origin(200, {"items": [{"id": "c", "version": 1, "value": {}}], "next": "c"})
    page = asyncio.run(client(origin).page("ann", "shared", "stock", 3, after))
    assert page == Page([Record("c", 1, {})], "c")
    assert origin.calls[0][:2] == ("GET", f"/records/shared/stock?{query}")


def test_commit_goes_out_under_its_key_and_comes_back_as_an_outcome() -> None:
    origin = Origin(200, encode_outcome(Outcome(True, RESPONSE)))
    assert asyncio.run(client(origin).commit("ann", KEY, COMMIT)) == Outcome(True, RESPONSE)
    ((method, target, headers, body),) = origin.calls
    assert (method, target, headers["idempotency-key"]) == ("POST", "/commit", KEY)
    assert decode_commit(body) == COMMIT


def test_outcome_of_an_earlier_commit_is_found_or_none() -> None:
    origin = Origin(200, encode_outcome(Outcome(True, RESPONSE)))
    assert asyncio.run(client(origin).outcome("ann", KEY)) == Outcome(True, RESPONSE)
    assert origin.calls[0][:2] == ("GET", f"/commit/{KEY}")
    assert asyncio.run(client(Origin(404, b"")).outcome("ann", KEY)) is None


def test_each_call_proves_who_asks_for_what(keys: NativeKeys, clock: Any) -> None:
    origin = Origin(404, b"")
    made = client(origin, keys, clock)
    asyncio.run(made.record("ann", CUP))
    asyncio.run(made.outcome("bob", KEY))
    origin.reply = Reply(200, {}, b'{"items":[],"next":null}')
    asyncio.run(made.page("cyd", "user", "cups", 50, "x.y"))
    origin.reply = Reply(200, {}, encode_outcome(Outcome(False, RESPONSE)))
    asyncio.run(made.commit("dan", KEY, COMMIT))
    subjects = []
    for method, target, headers, body in origin.calls:
        scheme, _, token = headers["authorization"].partition(" ")
        key = headers.get("idempotency-key", "")
        assert scheme == "Bearer"
        principal = asyncio.run(check_assertion(token, keys, method, target, body, key, clock))
        subjects.append(principal.subject)
    assert subjects == ["ann", "bob", "cyd", "dan"]


def test_browser_sends_no_proof() -> None:
    origin = Origin(404, b"")
    asyncio.run(client(origin).record("ann", CUP))
    assert "authorization" not in origin.calls[0][2]


@pytest.mark.parametrize("code", ["version-conflict", "key-reused", "overloaded", "origin-unavailable"])
def test_problem_of_the_origin_is_raised_as_it_is(code: str) -> None:
    problem = Problem(code, "because")
    origin = Origin(problem.status, problem.encode())
    with pytest.raises(Problem) as caught:
        asyncio.run(client(origin).commit("ann", KEY, COMMIT))
    assert (caught.value.code, caught.value.detail) == (code, "because")


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
    for call in ("record", "commit", "outcome"):
        made = client(Origin(status, body))
        work: Any = {
            "record": lambda made=made: made.record("ann", CUP),
            "commit": lambda made=made: made.commit("ann", KEY, COMMIT),
            "outcome": lambda made=made: made.outcome("ann", KEY),
        }[call]
        with pytest.raises(Problem, match="origin-invalid"):
            asyncio.run(work())


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id":"a"}', b"null", b'"text"'])
def test_answer_without_what_was_asked_for_is_invalid(body: bytes) -> None:
    with pytest.raises(Problem, match="origin-invalid"):
        asyncio.run(client(Origin(200, body)).record("ann", CUP))
    with pytest.raises(Problem, match="origin-invalid"):
        asyncio.run(client(Origin(200, body)).page("ann", "user", "cups", 50, None))


def test_origin_that_cannot_be_reached_is_the_problem_of_the_fetch() -> None:
    async def unreachable(*_call: Any) -> Reply:
        raise Problem("origin-unavailable")

    with pytest.raises(Problem, match="origin-unavailable"):
        asyncio.run(OriginClient(unreachable, None, lambda: 0.0).record("ann", CUP))
