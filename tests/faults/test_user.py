"""A user's browser: what it keeps, under which key it sends, when it sends again, and when it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import Problem
from edge.problem_response import render
from edge.verify.history import History
from edge.verify.http1 import Broken, Message
from edge.verify.line import Line
from edge.verify.user import TRIES, Gone, Stuck, User

PAGE = (
    b"<form method=post action=/buy><input type=hidden name=_key value=nonce-of-a-form.mark-of-a-form></form>"
)
VIEW = "e30.eyJzdWIiOiJhbm4iLCJzaWQiOiJzIiwidmVyIjozLCJzdGF0ZSI6e30sImtleXMiOltdfQ.s"


def answer(status: int = 200, body: bytes = b"", **fields: str) -> Message:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Message(f"HTTP/1.1 {status} -".encode(), tuple(pairs), body)


def problem(code: str) -> Message:
    status, headers, body = render(Problem(code), page=True)
    return Message(f"HTTP/1.1 {status} -".encode(), tuple(headers), body)


class Site:
    """Gives `answers` one after the other, None for a broken connection; keeps what it was asked."""

    def __init__(self, history: History, *answers: Message | None) -> None:
        self.answers = list(answers)
        self.asked: list[Message] = []
        self.history = history
        self.line = Line(1, self.history, 2, self.ask)
        self.line.calm = True

    async def ask(self, message: Message) -> Message:
        self.asked.append(message)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if found is None:
            raise Broken("no answer")
        return found

    def user(self, *, has_worker: bool) -> User:
        user = User(self.line, 1)
        user.has_worker = has_worker
        return user

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.history.rows if row["kind"] == kind]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    with History(tmp_path / "history", lambda: 0.0) as history:
        yield lambda *answers: Site(history, *answers)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.verify.user.PAUSE", 0.0)


def run(visit: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(visit)


def test_cookies_are_kept_and_forgotten(site):
    here = site(
        answer(set_cookie="a=1; Path=/; Max-Age=60"), answer(set_cookie="a=; Path=/; Max-Age=0"), answer()
    )
    user = here.user(has_worker=False)

    async def visit() -> None:
        for _ in range(3):
            await user.get("/")

    run(visit())
    assert [message.get("cookie") for message in here.asked] == ["", "a=1", ""]


def test_the_view_is_written_down_and_read(site):
    here = site(answer(set_cookie=f"edgekit-view={VIEW}; Path=/; Max-Age=60"))
    user = here.user(has_worker=False)
    run(user.get("/"))
    assert user.seen_as() == "ann"
    (row,) = here.rows("view")
    assert (row["view"]["sub"], row["view"]["ver"]) == ("ann", 3)


@pytest.mark.parametrize("has_worker", [True, False])
def test_a_form_is_sent_under_the_key_that_it_brings(site, has_worker):
    here = site(answer(body=PAGE, content_type="text/html"), None, problem("origin-unavailable"), answer())
    user = here.user(has_worker=has_worker)

    async def visit() -> None:
        page = await user.get("/")
        assert (await user.submit(page.forms[0], packs="2")).ok

    run(visit())
    _, *tries = here.asked
    assert {message.get("idempotency-key") for message in tries} == {""}
    assert {message.body for message in tries} == {b"_key=nonce-of-a-form.mark-of-a-form&packs=2"}
    assert {message.get("edgekit-client") for message in here.asked} == {"1" if has_worker else ""}
    (write,) = here.rows("write")
    assert len(write["key"]) == 64  # as the origin sees it
    assert [row["edge"] for row in here.rows("try")] in ([0, 1, 0], [1, 0, 1])
    assert [row["how"] for row in here.rows("end")] == ["final"]


def test_a_script_has_a_key_for_each_request_and_keeps_it(site):
    here = site(None, answer(), answer())
    user = here.user(has_worker=True)

    async def visit() -> None:
        await user.send("PUT", "/a", json={"x": 1}, if_match='"tag"')
        await user.send("DELETE", "/a")

    run(visit())
    first, again, other = here.asked
    assert first.get("idempotency-key") == again.get("idempotency-key") != other.get("idempotency-key")
    assert (first.get("content-type"), first.get("if-match")) == ("application/json", '"tag"')
    assert other.get("idempotency-key").endswith(".2")


def test_redirects_are_followed_as_they_are_spelled_out(site):
    here = site(answer(200, edgekit_status="303", edgekit_location="/there"), answer(body=b"there"))
    page = run(here.user(has_worker=True).send("POST", "/here"))
    assert (page.url, page.text, page.first.status) == ("/there", "there", 303)
    assert [message.method for message in here.asked] == ["POST", "GET"]


def test_a_refusal_of_the_app_is_final(site):
    here = site(answer(409))
    page = run(here.user(has_worker=True).send("POST", "/"))
    assert (page.ok, page.status, len(here.asked)) == (False, 409, 1)


@pytest.mark.parametrize("again", [None, answer(503), answer(429), problem("version-conflict")])
def test_who_gets_no_final_answer_is_stuck(site, again):
    here = site(again)
    with pytest.raises(Stuck, match=f"POST / got no final answer in {TRIES} tries"):
        run(here.user(has_worker=True).send("POST", "/"))
    assert len(here.asked) == TRIES
    assert [row["how"] for row in here.rows("end")] == ["stuck"]


def test_some_give_up(site, monkeypatch):
    monkeypatch.setattr("edge.verify.user.GIVES_UP", 1.0)
    here = site(None)
    here.line.calm = False
    with pytest.raises(Gone):
        run(here.user(has_worker=True).send("POST", "/"))
    assert [row["how"] for row in here.rows("end")] == ["given-up"]


def test_a_service_worker_asks_first_whose_browser_it_is_in(site):
    here = site(answer(204))
    run(here.user(has_worker=False).arrive())
    run(here.user(has_worker=True).arrive())
    assert [message.target for message in here.asked] == ["/_edge/view"]
