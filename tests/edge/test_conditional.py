"""Conditional requests: tags, preconditions in their order, and no update that is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Problem, Stateless, conditional, context
from edge.testing import Client

NOTE = {"text": "one"}
TAG = conditional.etag(NOTE)
OTHER = conditional.etag({"text": "two"})


@pytest.fixture
def ask(make_scope: Callable[..., dict[str, Any]]) -> Callable[..., Request]:
    return lambda *headers: Request(make_scope("PUT", "/", headers))


def refused(request: Request, value: dict[str, Any] | None, **options: Any) -> Problem | None:
    try:
        conditional.check(request, value, **options)
    except Problem as problem:
        return problem
    return None


def test_tag_is_strong_and_tells_values_apart() -> None:
    assert TAG[0] == TAG[-1] == '"'
    assert conditional.etag({"a": 1, "b": 2}) == conditional.etag({"b": 2, "a": 1})
    assert len({conditional.etag({"a": value}) for value in (1, "1", None, [1], {"b": 1})}) == 5


@pytest.mark.parametrize(
    ("headers", "value", "code"),
    [
        ([("if-match", TAG)], NOTE, None),
        ([("if-match", f"{OTHER}, {TAG}")], NOTE, None),
        ([("if-match", OTHER), ("if-match", TAG)], NOTE, None),
        ([("if-match", "*")], NOTE, None),
        ([("if-match", OTHER)], NOTE, "precondition-failed"),
        ([("if-match", f"W/{TAG}")], NOTE, "precondition-failed"),  # strong comparison: RFC 9110 13.1.1
        ([("if-match", TAG)], None, "precondition-failed"),
        ([("if-match", "*")], None, "precondition-failed"),
        ([("if-none-match", "*")], None, None),
        ([("if-none-match", "*")], NOTE, "precondition-failed"),
        ([("if-none-match", OTHER)], NOTE, None),
        ([("if-none-match", f"W/{TAG}")], NOTE, "precondition-failed"),  # weak comparison: 13.1.2
        ([("if-match", TAG), ("if-none-match", TAG)], NOTE, "precondition-failed"),
        ([], NOTE, "precondition-required"),
        ([], None, "precondition-required"),
    ],
)
def test_preconditions(ask: Callable[..., Request], headers: Any, value: Any, code: str | None) -> None:
    problem = refused(ask(*headers), value)
    assert (problem and problem.code) == code
    if problem is not None:
        tag = None if value is None else TAG
        assert (problem.members["etag"], problem.headers.get("etag")) == (tag, tag)


def test_without_a_requirement_anything_goes_but_a_wrong_condition(ask: Callable[..., Request]) -> None:
    assert refused(ask(), NOTE, required=False) is None
    assert refused(ask(("if-match", OTHER)), NOTE, required=False) is not None


def test_a_form_says_it_with_a_field(ask: Callable[..., Request]) -> None:
    assert refused(ask(), NOTE, seen=TAG) is None
    assert refused(ask(), None, seen="") is None
    for value, seen in ((NOTE, OTHER), (NOTE, ""), (None, TAG)):
        problem = refused(ask(), value, seen=seen)
        assert problem is not None
        assert problem.status == 412


def test_fresh_answers_are_not_sent_again(ask: Callable[..., Request]) -> None:
    assert conditional.is_fresh(ask(("if-none-match", f"{OTHER}, W/{TAG}")), TAG)
    assert conditional.is_fresh(ask(("if-none-match", "*")), TAG)
    assert not conditional.is_fresh(ask(("if-none-match", OTHER)), TAG)
    assert not conditional.is_fresh(ask(), TAG)


async def note(request: Request) -> Response:
    records = context(request).records
    record = await records.get("notes", "one")
    if request.method == "GET":
        if record is None:
            return Response(status_code=404)
        tag = conditional.etag(record.value)
        fresh = conditional.is_fresh(request, tag)
        return Response(status_code=304) if fresh else JSONResponse(record.value, headers={"etag": tag})
    conditional.check(request, record.value if record else None)
    value = await request.json()
    records.put("notes", "one", value)
    return JSONResponse(value, headers={"etag": conditional.etag(value)})


def test_two_devices_and_a_retry() -> None:
    client = Client(Stateless(Starlette(routes=[Route("/", note, methods=["GET", "PUT"])])))

    def put(text: str, key: str, **headers: str) -> Any:
        own = {"idempotency-key": f"the-key-of-a-test-{key}", **headers}
        return client.put("/", json={"text": text}, headers=own)

    first = put("one", "1", **{"if-none-match": "*"})
    seen = {"if-match": first.headers["etag"]}
    mine, theirs = put("mine", "2", **seen), put("theirs", "3", **seen)
    assert (mine.status_code, theirs.status_code) == (200, 412)
    assert theirs.json()["etag"] == theirs.headers["etag"] == mine.headers["etag"]
    retry = put("mine", "2", **seen)  # the key counts before the condition
    assert (retry.status_code, retry.headers["idempotency-replayed"]) == (200, "true")
    assert client.get("/").json() == {"text": "mine"}
    assert client.get("/", headers={"if-none-match": mine.headers["etag"]}).status_code == 304
    assert client.put("/", json={}).status_code == 428


def test_a_refusal_stays_one_when_the_condition_comes_true_again() -> None:
    client = Client(Stateless(Starlette(routes=[Route("/", note, methods=["GET", "PUT"])])))

    def put(text: str, key: str, **headers: str) -> Any:
        own = {"idempotency-key": f"the-key-of-a-test-{key}", **headers}
        return client.put("/", json={"text": text}, headers=own)

    tag = put("one", "1", **{"if-none-match": "*"}).headers["etag"]
    put("two", "2", **{"if-match": tag})
    assert put("late", "3", **{"if-match": tag}).status_code == 412
    put("one", "4", **{"if-match": OTHER})  # it is what it was
    again = put("late", "3", **{"if-match": tag})  # a copy that the network had kept
    assert (again.status_code, again.headers["idempotency-replayed"]) == (412, "true")
    assert client.get("/").json() == NOTE
