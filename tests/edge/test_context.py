"""`context(request)`: time, ids, the user and form keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from jinja2 import Environment
from starlette.requests import Request

from edge.context import Context, Html, context, guest_id
from edge.errors import NeedsEdge, Problem
from edge.host import Host
from edge.types import View

VIEW = View("ann", 1, {"cups": 1})


@pytest.fixture
def make(make_host: Callable[..., Host]) -> Callable[..., Context]:
    """`make(view=…, method=…, key=…, name=…)`: a context on a host of that name."""

    def make(
        view: View | None = None, method: str = "POST", key: str = "k" * 16, name: str = "native"
    ) -> Context:
        return Context(make_host(name=name), view, method=method, key=key, shared=frozenset({"stock"}))

    return make


Make = Callable[..., Context]


def test_time_stands_still_during_a_request(make: Make, clock: Any) -> None:
    ctx = make()
    before = clock.now
    clock.now += 5
    assert ctx.now == before


def test_ids_follow_from_the_key_and_their_number(make: Make) -> None:
    one, again, other = make(), make(), make(key="x" * 16)
    ids = [one.new_id() for _ in range(3)]
    assert ids == [again.new_id() for _ in range(3)]
    assert len({*ids, other.new_id()}) == 4
    assert all(re.fullmatch(r"[a-z2-7]{26}", made) for made in ids)


def test_user_is_the_subject_of_the_view(make: Make) -> None:
    assert make(VIEW).user == "ann"
    assert make(VIEW).ensure_user() == "ann"
    assert not make(VIEW).is_new_guest
    assert make().user is None


def test_visitor_becomes_a_guest_once(make: Make) -> None:
    ctx = make()
    name = ctx.ensure_user()
    assert ctx.ensure_user() == name == ctx.user
    assert ctx.is_new_guest
    assert re.fullmatch(r"[a-z2-7]{26}", name)


def test_browser_makes_no_guests_and_remembers_that_it_was_asked(make: Make) -> None:
    ctx = make(name="browser")
    with pytest.raises(NeedsEdge):
        ctx.ensure_user()
    assert ctx.escalated
    assert ctx.user is None


def test_browser_makes_form_keys_for_a_user_it_knows(make: Make) -> None:
    ctx = make(VIEW, name="browser")
    assert "_key" in ctx.form_key()
    assert not ctx.escalated


def test_form_key_is_a_hidden_input_with_a_good_key_new_each_time(make: Make) -> None:
    ctx = make()
    inputs = [ctx.form_key(), ctx.form_key()]
    found = [
        re.fullmatch(r'<input type="hidden" name="_key" value="([a-z2-7]{26})">', text) for text in inputs
    ]
    assert all(found)
    assert inputs[0] != inputs[1]
    assert ctx.is_new_guest


def test_form_key_is_not_escaped_by_jinja2(make: Make) -> None:
    page = Environment(autoescape=True).from_string("{{ key }}").render(key=make().form_key())
    assert page.startswith("<input")
    assert Html("<b>").__html__() == "<b>"


def test_state_starts_as_the_view_says_and_stays_apart_from_it(make: Make) -> None:
    ctx = make(VIEW)
    ctx.state["cups"] = 2
    assert VIEW.state["cups"] == 1
    assert dict(make().state) == {}


def test_host_says_who_runs_this(make: Make) -> None:
    assert [make(name=name).host for name in ("browser", "edge", "native")] == ["browser", "edge", "native"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_cannot_write_records(make: Make, method: str) -> None:
    with pytest.raises(Problem, match="write-in-safe-request"):
        make(method=method).records.put("cups", "a", {})


def test_shared_collections_are_shared(make: Make) -> None:
    ctx = make(VIEW)
    ctx.records.put("stock", "a", {})
    ctx.records.put("cups", "a", {})
    assert [write.key.scope for write in ctx.records.writes] == ["shared", "user"]


def test_context_is_found_through_the_request(make: Make, make_scope: Callable[..., Any]) -> None:
    ctx = make()
    assert context(Request(make_scope(edgekit=ctx))) is ctx


def test_without_the_kit_the_error_says_what_to_do(make_scope: Callable[..., Any]) -> None:
    with pytest.raises(RuntimeError, match=r"edge\.Stateless"):
        context(Request(make_scope()))


def test_guest_ids_are_made_of_128_random_bits() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    assert guest_id(entropy) == "a" * 26
    assert asked == [16]
