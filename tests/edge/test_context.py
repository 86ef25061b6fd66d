"""`context(request)`: time, ids, chance, the user, signing in and out, form keys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge import Stateless
from edge.context import CLAIMS_LIMIT, Context, context
from edge.csrf import mark
from edge.errors import NeedsEdge, Problem
from edge.guests import guest, name_of
from edge.host import Host
from edge.ids import new_sid
from edge.proof import Proof
from edge.state import Shape
from edge.testing import Client
from edge.tokens import Session
from edge.types import Principal, View
from edge.visitor import PayloadVisitors, User, Visitor
from edge.wire import USER_LIMIT

SID, SECRET = "s" * 22, "f" * 22
ANN = Session("ann", SID, False, 5, 3, {"name": "Ann"})
GUEST = Session("guest:one", "g" * 22, True, 5, 0, {})
VIEW = View("ann", 1, {"cups": 1}, sid=SID, guest=False, form_secret=SECRET)
FLAT = Shape()
FIELD = re.compile(r'<input type="hidden" name="_key" value="([a-z2-7]{26})\.([A-Za-z0-9_-]{22})">')


@pytest.fixture
def make(make_host: Callable[..., Host]) -> Callable[..., Context]:
    """`make(session, view, method=…, name=…, proof=…)`: a context on a host of that name."""

    def make(
        session: Session | None = None,
        view: View | None = None,
        *,
        method: str = "POST",
        key: str = "k" * 16,
        seed: str = "seed",
        author: str | None = None,
        name: str = "native",
        uninvited: bool = False,
        shape: Shape = FLAT,
        sent_at: float | None = None,
        **visitor: Any,
    ) -> Context:
        parts = {"visitors": PayloadVisitors()} if name == "browser" else {}
        return Context(
            make_host(name=name, **parts),
            Visitor(session, view, **visitor),
            method=method,
            sent_key=key,
            seed=seed,
            author=author,
            shared=frozenset({"stock"}),
            uninvited=uninvited,
            shape=shape,
            sent_at=sent_at,
        )

    return make


Make = Callable[..., Context]


# Static files


def test_static_files_have_the_addresses_that_the_host_knows(make_host: Callable[..., Host]) -> None:
    def ask(**parts: Any) -> str:
        host = make_host(**parts)
        return Context(
            host, Visitor(None, None), method="GET", sent_key="", seed="", shared=frozenset()
        ).static("/static/a.css")

    assert ask() == "/static/a.css"
    assert ask(static={"/static/a.css": "/_edge/static/1/a.css"}.__getitem__) == "/_edge/static/1/a.css"


# Time, ids, chance


def test_time_stands_still_during_a_request(make: Make, clock: Any) -> None:
    ctx = make()
    before = clock.now
    clock.now += 5
    assert ctx.now == before


def test_time_of_a_write_that_a_browser_has_answered_is_the_browsers(make: Make) -> None:
    assert make(sent_at=7.5).now == 7.5


def test_ids_follow_from_the_key_and_their_number(make: Make) -> None:
    one, again, other = make(ANN), make(ANN), make(ANN, key="x" * 16)
    ids = [one.new_id() for _ in range(3)]
    assert ids == [again.new_id() for _ in range(3)]
    assert len({*ids, other.new_id()}) == 4
    assert all(re.fullmatch(r"[a-z2-7]{26}", made) for made in ids)


def test_chance_follows_from_the_key(make: Make) -> None:
    one, again, other = make(ANN), make(ANN), make(ANN, key="x" * 16)
    rolls = [one.random.random() for _ in range(3)]
    assert rolls == [again.random.random() for _ in range(3)]
    assert other.random.random() not in rolls


def of(ctx: Context) -> tuple[str, str, float, str]:
    """All that a handler can make of a key."""
    return ctx.key, ctx.new_id(), ctx.random.random(), ctx.form_key()


def test_what_comes_of_a_key_is_one_users_on_every_host(make: Make) -> None:
    """case T1: clients choose keys, so the user is part of what a handler sees."""
    bob = replace(ANN, subject="bob")
    ours = of(make(ANN, VIEW))
    for name in ("native", "edge", "browser"):
        assert of(make(ANN, VIEW, name=name)) == ours
        theirs = of(make(bob, replace(VIEW, subject="bob"), name=name))
        assert not set(ours) & set(theirs)
    assert re.fullmatch(r"[a-z2-7]{32}", ours[0])
    assert of(make(replace(ANN, sid="t" * 22), VIEW))[:3] == ours[:3]  # of the user, not of the session


def test_what_comes_of_a_key_is_random_while_nobody_is_known(make: Make) -> None:
    """case T1: three first-time visitors who send one key are three people."""
    one, again, other = (make(seed=seed) for seed in ("one", "one", "two"))
    seen = of(one)
    assert seen[:3] == of(again)[:3]  # another run of the same request
    assert not set(seen[:3]) & set(of(other)[:3])
    before = one.key
    one.ensure_user()  # the guest that this request makes is nobody that a retry would be
    assert one.key == before


def test_what_comes_of_a_key_is_the_new_users_after_signing_in(make: Make) -> None:
    signing, known = make(GUEST), make(ANN)
    before = signing.key
    signing.sign_in("ann")
    assert before != signing.key == known.key
    assert signing.author == ""


def test_what_was_foretold_for_a_guest_stays_as_it_was(make: Make) -> None:
    """case T1: the next guest sends it, and its ids are on the screen."""
    first = make(GUEST)
    later = make(replace(GUEST, subject="guest:two", sid="h" * 22), author="guest:one")
    assert of(first)[:3] == of(later)[:3]
    assert (first.author, later.author) == ("", "guest:one")


# The user


def test_user_is_whose_session_it_is(make: Make) -> None:
    assert make(ANN).user == User("ann", False, {"name": "Ann"})
    assert make(GUEST).user == User("guest:one", True, {})
    assert make().user is None


def test_user_who_is_known_stays_as_they_are(make: Make) -> None:
    for session in (ANN, GUEST):
        ctx = make(session)
        assert ctx.ensure_user() is session
        assert (ctx.is_new, ctx.signed_in) == (False, False)


def test_visitor_becomes_a_guest_once(make: Make, clock: Any) -> None:
    ctx = make()
    made = ctx.ensure_user()
    assert ctx.ensure_user() is made
    assert (ctx.is_new, ctx.signed_in) == (True, False)
    assert ctx.user == User(made.subject, True, {})
    assert re.fullmatch(r"guest:[a-z2-7]{26}", made.subject)
    assert (made.guest, made.signed_in_at) == (True, int(clock()))
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", made.sid)


def test_guest_and_session_are_made_of_128_random_bits_each() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    made = guest(entropy, 7.9)
    assert made == Session(name_of("A" * 22), "A" * 22, True, 7, 0, {})
    assert new_sid(entropy) == "A" * 22
    assert asked == [16, 16]


def test_user_whose_session_cannot_be_checked_is_not_made_somebody_else(make: Make) -> None:
    ctx = make(is_unknown=True)
    assert ctx.user is None
    assert dict(ctx.state) == {}
    for use in (
        ctx.ensure_user,
        ctx.form_key,
        ctx.principal,
        lambda: asyncio.run(ctx.records.list("orders")),
    ):
        with pytest.raises(Problem, match="origin-unavailable"):
            use()
    assert ctx.user is None


def test_browser_makes_no_guests_and_remembers_that_it_was_asked(make: Make) -> None:
    ctx = make(name="browser")
    with pytest.raises(NeedsEdge):
        ctx.ensure_user()
    assert ctx.escalated
    assert ctx.user is None


def test_origin_is_asked_for_a_session_that_it_can_know(make: Make) -> None:
    assert make(ANN).principal() == Principal("ann", SID, 3)
    assert make(GUEST).principal() == Principal("guest:one", "g" * 22, 0)
    ctx = make()
    assert ctx.principal() is None
    made = ctx.ensure_user()
    assert ctx.principal() == Principal(made.subject)
    ctx.sign_in("bob")
    assert ctx.principal() == Principal("bob")


# Signing in


@pytest.mark.parametrize("before", [None, GUEST, ANN], ids=["nobody", "guest", "ann"])
def test_who_signs_in_gets_a_new_session(make: Make, clock: Any, before: Session | None) -> None:
    ctx = make(before)
    ctx.sign_in("ann", name="Ann", level=2)
    assert ctx.user == User("ann", False, {"name": "Ann", "level": 2})
    assert (ctx.is_new, ctx.signed_in) == (True, True)
    session = ctx.session
    assert session is not None
    assert before is None or session.sid != before.sid
    assert (session.signed_in_at, session.jkt) == (int(clock()), None)


@pytest.mark.parametrize("name", ["a", "ann@example.com", "ä" * USER_LIMIT, "ann b", "g:1", "guest"])
def test_ids_of_users_are_the_apps_own(make: Make, name: str) -> None:
    ctx = make()
    ctx.sign_in(name)
    assert ctx.user == User(name, False, {})


@pytest.mark.parametrize(
    "name", ["", "x" * (USER_LIMIT + 1), "guest:one", "a\nb", "a\0", "\udcff", "\u202eann"]
)
def test_id_that_cannot_be_is_refused(make: Make, name: str) -> None:
    ctx = make(GUEST)
    with pytest.raises(ValueError, match="not an id"):
        ctx.sign_in(name)
    assert ctx.session is GUEST


def test_claims_are_small(make: Make) -> None:
    ctx = make()
    room = CLAIMS_LIMIT - len('{"x":""}')
    ctx.sign_in("ann", x="y" * room)
    with pytest.raises(ValueError, match="256 bytes"):
        ctx.sign_in("ann", x="y" * (room + 1))
    with pytest.raises(TypeError):
        ctx.sign_in("ann", x=object())  # type: ignore[arg-type]


def test_page_of_another_site_signs_nobody_in(make: Make) -> None:
    ctx = make(uninvited=True)
    with pytest.raises(Problem, match="forbidden"):
        ctx.sign_in("ann")
    assert ctx.user is None


def test_own_records_that_were_touched_would_be_somebody_elses(make: Make) -> None:
    ctx = make(GUEST)
    ctx.records.put("stock", "tea", {})
    ctx.sign_in("ann")  # what everybody shares has no owner
    ctx = make(GUEST)
    ctx.records.put("orders", "one", {})
    with pytest.raises(RuntimeError, match="before you touch"):
        ctx.sign_in("ann")
    assert ctx.session is GUEST


def test_device_that_proves_itself_is_bound_to_the_session(make: Make) -> None:
    ctx = make(proof=Proof("thumbprint", True, {}))
    ctx.sign_in("ann")
    assert ctx.session is not None
    assert ctx.session.jkt == "thumbprint"


def test_device_whose_proof_is_not_fresh_is_asked_for_another_one(make: Make) -> None:
    ctx = make(proof=Proof("thumbprint", False, {}))
    with pytest.raises(Problem, match="device-proof") as caught:
        ctx.sign_in("ann")
    assert caught.value.headers["dpop-nonce"]
    assert ctx.user is None


def test_state_of_a_guest_is_taken_along(make: Make) -> None:
    for before in (GUEST, ANN):
        ctx = make(before, VIEW, sealed={"code": 7})
        ctx.sign_in("ann")
        assert (dict(ctx.state), dict(ctx.sealed)) == ({"cups": 1}, {"code": 7})


def test_state_of_another_user_is_not_taken_along(make: Make) -> None:
    ctx = make(ANN, VIEW, sealed={"code": 7})
    ctx.sign_in("bob")
    assert (dict(ctx.state), dict(ctx.sealed)) == ({}, {})
    assert ctx.state.changed
    assert ctx.sealed_change is not None


# Signing out


def test_signing_out_waits_for_the_answer(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.sign_out()
    assert (ctx.signed_out, ctx.session) == ("here", ANN)
    ctx.sign_out(everywhere=True)
    assert ctx.signed_out == "everywhere"


def test_who_signs_in_after_all_is_not_signed_out(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.sign_out()
    ctx.sign_in("bob")
    assert ctx.signed_out == ""


@pytest.mark.parametrize(
    "use",
    [
        lambda ctx: ctx.sign_in("ann"),
        lambda ctx: ctx.sign_out(),
        lambda ctx: ctx.sealed.get("code"),
        lambda ctx: ctx.sealed.update(code=1),
    ],
    ids=["sign in", "sign out", "read sealed", "seal"],
)
def test_browser_passes_on_what_needs_a_secret(make: Make, use: Callable[[Context], Any]) -> None:
    ctx = make(ANN, VIEW, name="browser")
    with pytest.raises(NeedsEdge):
        use(ctx)
    assert ctx.escalated


def test_page_says_whose_it_is_without_saying_who(make: Make) -> None:
    assert make().made_for() == ""
    ann, guests = make(ANN), make(GUEST)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", ann.made_for())
    assert re.fullmatch(r"guest-[A-Za-z0-9_-]{16}", guests.made_for())
    assert "ann" not in ann.made_for()
    before = guests.made_for()
    guests.sign_in("ann")
    assert guests.made_for() not in (before, ann.made_for(), "")
    ann.sign_out()
    assert ann.made_for() == ""


# Form keys


def test_form_key_is_a_hidden_input_marked_for_the_session_new_each_time(make: Make) -> None:
    for ctx, secret in (
        (make(ANN, VIEW), SECRET),
        (make(ANN, VIEW, method="GET"), SECRET),
        (made := make(method="GET"), None),
    ):
        inputs = [ctx.form_key(), ctx.form_key()]
        found = [FIELD.fullmatch(text) for text in inputs]
        assert all(found)
        assert inputs[0] != inputs[1]
        for field in filter(None, found):
            expected = secret or ctx._host.visitors.form_secret(ctx.ensure_user())
            assert mark(field[1], expected) == f"{field[1]}.{field[2]}"
    assert made.is_new


def test_form_key_in_the_answer_to_a_write_can_be_foretold(make: Make) -> None:
    one, again, other = make(ANN, VIEW), make(ANN, VIEW, name="browser"), make(ANN, VIEW, key="x" * 16)
    keys = [one.form_key(), one.form_key()]
    assert keys == [again.form_key(), again.form_key()]
    assert other.form_key() not in keys


def test_form_key_after_signing_in_is_the_new_sessions(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.sign_in("bob")
    field = FIELD.fullmatch(ctx.form_key())
    assert field is not None
    secret = ctx._host.visitors.form_secret(ctx.ensure_user())
    assert secret != SECRET
    assert mark(field[1], secret) == f"{field[1]}.{field[2]}"


def test_form_key_without_a_view_is_made_from_the_session(make: Make) -> None:
    field = FIELD.fullmatch(make(ANN).form_key())
    assert field is not None
    assert mark(field[1], SECRET) != f"{field[1]}.{field[2]}"


def test_browser_makes_form_keys_for_a_user_it_knows(make: Make) -> None:
    ctx = make(ANN, VIEW, name="browser")
    field = FIELD.fullmatch(ctx.form_key())
    assert field is not None
    assert mark(field[1], SECRET) == f"{field[1]}.{field[2]}"
    assert not ctx.escalated


def test_form_key_is_not_escaped_by_jinja2(make: Make) -> None:
    page = Environment(autoescape=True).from_string("{{ key }}").render(key=make().form_key())
    assert page.startswith("<input")


# State and records


def test_state_starts_as_the_view_says_and_stays_apart_from_it(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.state["cups"] = 2
    assert VIEW.state["cups"] == 1
    assert dict(make().state) == {}


def test_state_of_an_older_layout_is_brought_to_the_present_one(make: Make) -> None:
    shape = Shape(2, lambda values, version: {"mugs": values["cups"], "from": version})
    ctx = make(ANN, VIEW, shape=shape)
    assert dict(ctx.state) == {"mugs": 1, "from": 0}
    assert not ctx.state.changed
    assert ctx.shape == 2


def test_sealed_state_starts_as_it_was_sealed(make: Make) -> None:
    ctx = make(ANN, VIEW, sealed={"code": 7})
    assert dict(ctx.sealed) == {"code": 7}
    assert ctx.sealed_change is None
    ctx.sealed["tries"] = 1
    assert ctx.sealed_change is ctx.sealed


def test_nothing_can_be_changed_once_the_answer_is_on_its_way(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.close()
    for change in (
        lambda: ctx.state.update(a=1),
        lambda: ctx.sealed.update(a=1),
        lambda: ctx.records.put("orders", "one", {}),
    ):
        with pytest.raises(Problem, match="write-after-response"):
            change()


def test_host_says_who_runs_this(make: Make) -> None:
    assert [make(name=name).host for name in ("browser", "edge", "native")] == ["browser", "edge", "native"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_cannot_write_records(make: Make, method: str) -> None:
    with pytest.raises(Problem, match="write-in-safe-request"):
        make(method=method).records.put("cups", "a", {})


def test_shared_collections_are_shared(make: Make) -> None:
    ctx = make(ANN, VIEW)
    ctx.records.put("stock", "a", {})
    ctx.records.put("cups", "a", {})
    assert [write.key.scope for write in ctx.records.writes] == ["shared", "user"]


# Where it comes from


def test_context_is_found_through_the_request(make: Make, make_scope: Callable[..., Any]) -> None:
    ctx = make()
    assert context(Request(make_scope(edgekit=ctx))) is ctx


def test_without_the_kit_the_error_says_what_to_do(make_scope: Callable[..., Any]) -> None:
    with pytest.raises(RuntimeError, match=r"edge\.Stateless"):
        context(Request(make_scope()))


def test_who_signs_in_may_copy_what_the_guest_had() -> None:  # case N14
    async def begin(request: Request) -> Response:
        context(request).records.put("notes", "one", {"text": "kept"})
        return Response()

    async def enter(request: Request) -> Response:
        ctx = context(request)
        before = ctx.guest_records
        ctx.sign_in("ann")
        assert before is None
        assert ctx.guest_records is not None
        with pytest.raises(Problem, match="write-in-safe-request"):
            ctx.guest_records.put("notes", "two", {})
        for record in (await ctx.guest_records.list("notes")).items:
            ctx.records.put("notes", record.id, record.value)
        return Response()

    async def again(request: Request) -> Response:
        ctx = context(request)
        ctx.sign_in("ann")
        return Response(str(ctx.guest_records))

    async def read(request: Request) -> Response:
        return Response(repr([r.value for r in (await context(request).records.list("notes")).items]))

    routes = [Route(f"/{f.__name__}", f, methods=["POST"]) for f in (begin, enter, again)]
    client = Client(Stateless(Starlette(routes=[*routes, Route("/", read)])))
    assert client.post("/begin").status_code == 200
    assert client.post("/enter").status_code == 200
    assert client.get("/").text == "[{'text': 'kept'}]"
    assert client.post("/again").text == "None"


@pytest.mark.parametrize("thing", [None, "/", {"type": "http"}])
def test_what_is_no_request_has_no_context(thing: Any) -> None:
    with pytest.raises(RuntimeError, match="it takes a handler's request"):
        context(thing)
