"""One run of an app: when its answer counts, and whose failure counts more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from edge.context import Context
from edge.errors import NeedsEdge, Problem
from edge.exchange import Answer, Exchange
from edge.host import Host
from edge.responder import Responder
from edge.visitor import Visitor
from edge.wire import RESPONSE_LIMIT

START = {"type": "http.response.start", "status": 200, "headers": [(b"X-Own", b"1")]}
App = Callable[[Any, Any, Any], Awaitable[None]]


def body(part: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": part, "more_body": more}


class Run:
    """Runs an app once. `settled` holds what was settled, `sent` what reached the client."""

    def __init__(self, host: Host, scope: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.settled: list[Answer] = []
        self.refusal: Exception | None = None
        self.ctx = Context(host, Visitor(), method=scope["method"], sent_key="k", seed="", shared=frozenset())
        self.responder = Responder(scope, self._send, host)
        self._scope = scope

    async def _send(self, message: Any) -> None:
        self.sent.append(dict(message))

    async def _settle(self, answer: Answer) -> Answer:
        self.settled.append(answer)
        if self.refusal is not None:
            raise self.refusal
        return answer

    async def _receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    def __call__(self, app: App) -> None:
        exchange = Exchange(self.ctx, self.responder, self._settle)
        asyncio.run(exchange.run(app, self._scope, self._receive))

    @property
    def parts(self) -> list[tuple[bytes, bool]]:
        return [(m["body"], m["more_body"]) for m in self.sent if m["type"] == "http.response.body"]


@pytest.fixture
def run(make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]) -> Run:
    return Run(make_host(), make_scope("POST"))


@pytest.fixture
def run_in_browser(make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]) -> Run:
    return Run(make_host(name="browser"), make_scope("GET"))


def test_complete_answer_is_settled_once_and_then_sent(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"one", more=False))
        assert run.sent

    run(app)
    assert run.settled == [Answer(200, [(b"x-own", b"1")], b"one")]
    assert run.parts == [(b"one", False)]


def test_nothing_is_sent_before_the_first_part_of_the_body(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        assert run.sent == []
        await send(body(b""))

    run(app)
    assert run.parts == [(b"", False)]


def test_stream_of_events_begins_before_the_first_one_comes(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"Content-Type", b"text/event-stream; charset=utf-8")]})
        assert run.sent
        await send(body(b"data: 1\n\n", more=True))
        await send(body(b""))

    run(app)
    assert run.parts == [(b"", True), (b"data: 1\n\n", True), (b"", False)]


def test_app_finds_context_and_session_in_its_scope(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["edgekit"] is run.ctx
        assert scope["session"] is run.ctx.state
        await send(START)
        await send(body(b""))

    run(app)


def test_failure_without_an_answer_is_the_apps_own(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(app)
    assert run.sent == run.settled == []


def test_exception_counts_more_than_the_error_page_that_a_framework_makes_of_it(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 500})
        await send(body(b"Internal Server Error"))
        raise Problem("forbidden")

    with pytest.raises(Problem, match="forbidden"):
        run(app)
    assert run.sent == []


def test_error_page_without_an_exception_is_the_answer(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 503})
        await send(body(b"down for ", more=True))
        await send(body(b"maintenance"))

    run(app)
    assert run.settled == [Answer(503, [(b"x-own", b"1")], b"down for maintenance")]
    assert run.parts == [(b"down for maintenance", False)]


def test_large_error_page_is_streamed(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 503})
        await send(body(b"x" * RESPONSE_LIMIT, more=True))
        assert run.sent == []
        await send(body(b"x", more=True))
        assert run.sent
        await send(body(b"end"))

    run(app)
    assert sum(len(part) for part, _ in run.parts) == RESPONSE_LIMIT + 4


def test_refusal_counts_more_than_what_the_app_makes_of_it(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            await send(body(b"one"))
        except Problem as problem:
            raise ZeroDivisionError from problem

    run.refusal = Problem("version-conflict")
    with pytest.raises(Problem, match="version-conflict"):
        run(app)


def test_refusal_cannot_be_swallowed_or_answered_otherwise(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            await send(body(b"one"))
        except Problem:
            run.refusal = None
            await send({**START, "status": 200})
            await send(body(b"all is well"))

    run.refusal = Problem("version-conflict")
    with pytest.raises(Problem, match="version-conflict"):
        run(app)
    assert run.sent == []
    assert len(run.settled) == 1


def test_failure_after_a_complete_answer_is_still_told(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"one"))
        raise ZeroDivisionError  # in background work

    with pytest.raises(ZeroDivisionError):
        run(app)
    assert run.parts == [(b"one", False)]


@pytest.mark.parametrize("messages", [[], [START], [START, body(b"one", more=True)]])
def test_app_that_ends_without_a_complete_answer_has_failed(run: Run, messages: list[Any]) -> None:
    run.ctx.records.put("orders", "one", {})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    with pytest.raises(Problem, match="internal-error"):
        run(app)
    assert run.sent == run.settled == []


def test_answer_to_a_commit_is_cut_off_as_soon_as_it_is_too_large(run: Run) -> None:
    sent = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        run.ctx.records.put("orders", "one", {})
        await send(START)
        for number in range(100):
            sent.append(number)
            await send(body(b"x" * (RESPONSE_LIMIT // 2), more=True))

    with pytest.raises(Problem, match="response-too-large"):
        run(app)
    assert len(sent) == 3
    assert run.settled == []


def test_remembered_escalation_counts_more_than_any_answer(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        run.ctx.escalated = True
        raise ZeroDivisionError

    with pytest.raises(NeedsEdge):
        run(app)


def test_messages_that_are_no_response_are_ignored(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.debug", "info": {}})
        await send(START)
        await send(body(b"one"))

    run(app)
    assert run.parts == [(b"one", False)]


@pytest.mark.parametrize("parts", [[b""], [b"on"], [b"o", b"n"], [b"one more"], [b"one", b" more"]])
def test_a_body_of_another_length_than_promised_is_no_answer(run: Run, parts: list[bytes]) -> None:
    """Case P23: neither shorter nor longer, neither whole nor in parts."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"content-length", b"3")]})
        for part in parts[:-1]:
            await send(body(part, more=True))
        await send(body(parts[-1]))

    with pytest.raises(Problem, match="Content-Length"):
        run(app)
    assert all(more for _, more in run.parts)  # what has begun never ends
    assert sum(len(part) for part, _ in run.parts) <= 3


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_an_answer_without_a_body_may_tell_the_length_of_one(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]], method: str, status: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": status, "headers": [(b"content-length", b"3")]})
        await send(body(b""))

    run = Run(make_host(), make_scope(method))
    run(app)
    assert run.parts == [(b"", False)]


def test_an_escalation_in_the_middle_of_an_answer_breaks_it_off(run_in_browser: Run) -> None:
    """Case P23."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"one", more=True))
        with suppress(NeedsEdge):
            raise NeedsEdge("a late module")
        await send(body(b"two"))

    with pytest.raises(NeedsEdge):
        run_in_browser(app)
    assert run_in_browser.parts == [(b"one", True)]


def test_an_escalation_in_another_task_marks_the_request(run_in_browser: Run) -> None:
    """Case P23: as when a middleware class of Starlette runs the rest of the app in a task of its own."""

    async def rest() -> None:
        raise NeedsEdge("a late module")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.gather(asyncio.create_task(rest()), return_exceptions=True)
        await send(START)
        await send(body(b""))

    with pytest.raises(NeedsEdge):
        run_in_browser(app)
    assert run_in_browser.sent == []


def test_the_apps_own_words_to_its_exception_are_given_and_the_exception_is_told(run: Run) -> None:
    """Case P9: as Starlette does it, so that a server can log the exception."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 500, "headers": [(b"content-type", b"application/json")]})
        await send(body(b'{"error":"E-1"}'))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(app)
    assert [answer.body for answer in run.settled] == [b'{"error":"E-1"}']
    assert run.parts == [(b'{"error":"E-1"}', False)]


def test_the_stock_words_of_a_framework_are_not_the_apps_own(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 500, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
        await send(body(b"Internal Server Error"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(app)
    assert run.sent == []
