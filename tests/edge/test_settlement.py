"""What makes an answer final: which commit is sent, and which headers the client gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from edge.applied import remember
from edge.context import Context
from edge.errors import NeedsEdge, Problem
from edge.exchange import Answer
from edge.fingerprints import fingerprint_of
from edge.host import Host
from edge.keys import NativeKeys
from edge.proof import session_hash
from edge.responder import Responder
from edge.settlement import Settlement
from edge.state import Shape
from edge.tokens import VIEW_LIFE, Session, open_sealed, open_session, open_view
from edge.types import JSON, Principal, View
from edge.visitor import PayloadVisitors, Visitor
from edge.wire import RESPONSE_LIMIT, Commit, Outcome, Read, RecordKey, StoredResponse, Write

KEY = "a-key-of-a-test-0001"
MARK = "7" * 64
ORDER = RecordKey("user", "orders", "one")
SID = "s" * 22
FLAT = Shape()
BASE = f"{session_hash(SID)[:16]}.4"  # the view that `world` makes
ANN = Session("ann", SID, False, 5, 3, {"name": "Ann"})
GUEST = Session("guest:one", "g" * 22, True, 5, 0, {})


class Origin:
    """Notes commits and sessions; answers with `earlier`, or with what was sent."""

    def __init__(self) -> None:
        self.commits: list[tuple[Principal, str, Commit]] = []
        self.earlier: StoredResponse | None = None
        self.sessions: list[tuple[Any, ...]] = []
        self.away = False

    async def record(self, principal: Principal, key: RecordKey) -> None:
        return None

    async def commit(self, principal: Principal, key: str, commit: Commit) -> Outcome:
        self.commits.append((principal, key, commit))
        return Outcome(self.earlier is not None, self.earlier or commit.response)

    async def outcome(self, principal: Principal, key: str, fingerprint: str) -> Outcome | None:
        self.sessions.append(("outcome", principal, key))
        return None if self.earlier is None else Outcome(True, self.earlier)

    async def create_session(
        self, principal: Principal, claims: Mapping[str, JSON], jkt: str | None
    ) -> tuple[int, str]:
        self._check()
        self.sessions.append(("create", principal, dict(claims), jkt))
        return 9, f"{principal.sid}.secret"

    async def end_session(self, principal: Principal, *, everywhere: bool) -> None:
        self._check()
        self.sessions.append(("end", principal, everywhere))

    def _check(self) -> None:
        if self.away:
            raise Problem("origin-unavailable")


class World:
    """A request in the middle of its settlement."""

    def __init__(
        self, host: Host, scope: dict[str, Any], visitor: Visitor, shape: Shape = FLAT, **options: Any
    ) -> None:
        self.host, self.scope = host, scope
        self.ctx = Context(
            host, visitor, method="POST", sent_key=KEY, seed="", shared=frozenset(), shape=shape
        )
        self.settlement = Settlement(host, self.ctx, scope, **{"key": KEY, "fingerprint": MARK, **options})

    def unsafe(self, status: int = 200, headers: Any = (), body: bytes = b"") -> Answer:
        return asyncio.run(self.settlement.unsafe(Answer(status, list(headers), body)))

    def safe(self, status: int = 200, headers: Any = ()) -> Answer:
        return asyncio.run(self.settlement.safe(Answer(status, list(headers), b"")))


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def world(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]], origin: Origin, clock: Any
) -> Callable[..., World]:
    """`world(session, view, sealed=…, name="browser", key=None)`: a POST of ann's, or of whose it says."""
    known = View("ann", 4, {"cups": 1}, (), int(clock()), sid=SID, guest=False, form_secret="f" * 22)

    def make(
        session: Session | None = ANN,
        view: View | None = known,
        *,
        name: str = "native",
        sealed: Mapping[str, JSON] | None = None,
        is_unknown: bool = False,
        **options: Any,
    ) -> World:
        parts = {"visitors": PayloadVisitors()} if name == "browser" else {}
        host = make_host(name=name, origin=origin, **parts)
        held = view if session is not None else None
        visitor = Visitor(session, held, sealed, is_unknown=is_unknown)
        return World(host, make_scope("POST", "/", [("cookie", "edgekit-session=x")]), visitor, **options)

    return make


Make = Callable[..., World]


def header(answer: Answer, name: bytes) -> bytes | None:
    return dict(answer.headers).get(name)


def cookies(answer: Answer) -> dict[str, str]:
    """What the answer sets, by what it carries."""
    pairs = (value.partition(b";")[0].decode() for name, value in answer.headers if name == b"set-cookie")
    return {
        name.removeprefix("edgekit-"): value for name, _, value in (pair.partition("=") for pair in pairs)
    }


@pytest.fixture
def reopened(keys: NativeKeys, clock: Any) -> Callable[[Answer], View]:
    """`reopened(answer)`: the view that the answer's cookie holds."""
    return lambda answer: asyncio.run(open_view(cookies(answer)["view"], keys, clock()))


@pytest.fixture
def session_of(keys: NativeKeys, clock: Any) -> Callable[[Answer], Session]:
    return lambda answer: asyncio.run(open_session(cookies(answer)["session"], keys, clock()))


@pytest.fixture
def unsealed(keys: NativeKeys, clock: Any) -> Callable[[str, str], tuple[int, dict[str, Any]]]:
    return lambda token, sid: asyncio.run(open_sealed(token, keys, sid, clock()))


Reopened = Callable[[Answer], View]
SessionOf = Callable[[Answer], Session]
Unsealed = Callable[[str, str], tuple[int, dict[str, Any]]]


def test_commit_names_reads_writes_fingerprint_and_the_whole_answer(world: Make, origin: Origin) -> None:
    made = world()
    asyncio.run(made.ctx.records.get("orders", "one"))
    made.ctx.records.put("orders", "one", {"n": 1})
    made.ctx.state["cups"] = 2
    made.unsafe(201, [(b"location", b"/orders/one"), (b"x", b"\xe9")], b"made")
    headers = (("location", "/orders/one"), ("x", "é"))
    stored = StoredResponse(201, headers, b"made", {"cups": 2}, base=BASE)
    commit = Commit(MARK, (Read(ORDER, 0),), (Write(ORDER, {"n": 1}),), stored)
    assert origin.commits == [(Principal("ann", SID, 3), KEY, commit)]


def test_untouched_records_cost_no_commit(world: Make, origin: Origin, reopened: Reopened) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    answer = made.unsafe()
    assert origin.commits == []
    assert reopened(answer).state == {"cups": 2}
    assert set(cookies(answer)) == {"view"}


def test_read_alone_is_committed_too_because_the_answer_rests_on_it(world: Make, origin: Origin) -> None:
    made = world()
    asyncio.run(made.ctx.records.get("orders", "one"))
    made.unsafe(409)
    ((_, _, commit),) = origin.commits
    assert commit.reads == (Read(ORDER, 0),)
    assert commit.response.state is None


def test_new_view_counts_up_and_remembers_the_key(world: Make, reopened: Reopened) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    view = reopened(made.unsafe())
    assert (view.subject, view.version, view.applied) == ("ann", 5, remember((), KEY, MARK, stored=False))


def test_view_says_whose_session_it_is_for(world: Make, reopened: Reopened) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    view = reopened(made.unsafe())
    assert (view.sid, view.guest, view.claims, view.jkt) == (SID, False, {"name": "Ann"}, None)
    assert view.form_secret == made.host.visitors.form_secret(ANN)


def test_view_after_a_commit_remembers_that_the_origin_keeps_the_answer(
    world: Make, reopened: Reopened
) -> None:
    made = world()
    made.ctx.state["cups"] = 2
    made.ctx.records.put("orders", "one", {})
    assert reopened(made.unsafe()).applied == remember((), KEY, MARK, stored=True)


def test_request_without_a_key_is_not_remembered(world: Make, reopened: Reopened) -> None:
    made = world(key=None)
    made.ctx.state["cups"] = 2
    assert reopened(made.unsafe()).applied == ()


def test_visitor_who_writes_becomes_a_guest_under_one_name(
    world: Make, origin: Origin, reopened: Reopened, session_of: SessionOf
) -> None:
    made = world(None)
    made.ctx.records.put("orders", "one", {})
    answer = made.unsafe()
    view, session = reopened(answer), session_of(answer)
    assert made.ctx.user is not None
    assert origin.commits[0][0].subject == view.subject == session.subject == made.ctx.user.id
    assert (view.version, view.state, view.guest, view.sid) == (1, {}, True, session.sid)
    assert origin.sessions == []


def test_visitor_who_changes_nothing_stays_a_visitor(world: Make) -> None:
    made = world(None)
    assert cookies(made.unsafe()) == {}
    assert made.ctx.user is None


def test_earlier_answer_replaces_the_new_one_completely(
    world: Make, origin: Origin, reopened: Reopened
) -> None:
    headers = (("location", "/orders/first"),)
    origin.earlier = StoredResponse(201, headers, b"first", {"cups": 7}, base=BASE)
    made = world()
    made.ctx.records.put("orders", "one", {})
    made.ctx.state["cups"] = 2
    answer = made.unsafe(200, [(b"x-new", b"1")], b"second")
    assert (answer.status, answer.body) == (201, b"first")
    assert header(answer, b"location") == b"/orders/first"
    assert header(answer, b"x-new") is None
    assert header(answer, b"idempotency-replayed") == b"true"
    assert reopened(answer).state == {"cups": 7}


def test_request_whose_effect_is_in_the_view_changes_no_state_again(world: Make, origin: Origin) -> None:
    made = world(repeated=True)
    made.ctx.state["cups"] = 2
    made.ctx.sealed["code"] = 7
    assert cookies(made.unsafe()) == {}
    assert origin.commits == []


@pytest.mark.parametrize("status", [200, 409])
def test_request_whose_effect_is_in_the_view_commits_nothing(
    world: Make, origin: Origin, status: int
) -> None:
    # A commit here, though of no state, once let a second click order what the first one had only noted.
    made = world(repeated=True)
    asyncio.run(made.ctx.records.get("orders", "one"))
    assert made.unsafe(status).status == status
    for change in (
        lambda records: records.put("orders", "one", {}),
        lambda records: records.increment("orders", "one", "cups"),
    ):
        made = world(repeated=True)
        change(made.ctx.records)
        if status == 200:  # it would tell of an effect that does not happen
            with pytest.raises(Problem, match="idempotency-key-expired"):
                made.unsafe(status)
        else:
            assert made.unsafe(status).status == status
    assert origin.commits == []
    assert origin.sessions == []


# A retry that is told no, though its first run was applied


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
@pytest.mark.parametrize("touched", [True, False], ids=["touched", "untouched"])
def test_refusal_gives_way_to_the_first_answer(
    world: Make, origin: Origin, status: int, touched: bool
) -> None:
    origin.earlier = StoredResponse(201, (), b"first")
    made = world()
    if touched:
        asyncio.run(made.ctx.records.get("orders", "one"))
    answer = made.unsafe(status, [], b"closed")
    assert (answer.status, answer.body) == (201, b"first")
    assert header(answer, b"idempotency-replayed") == b"true"
    assert len(origin.commits) + len(origin.sessions) == 1  # asked once, one way or the other


def test_refusal_without_records_is_asked_for_once_and_not_stored(world: Make, origin: Origin) -> None:
    assert world().unsafe(422, [], b"no").body == b"no"
    assert origin.sessions == [("outcome", Principal("ann", SID, 3), KEY)]
    assert origin.commits == []


def test_nobody_asks_for_what_cannot_be_there(world: Make, origin: Origin) -> None:
    world().unsafe(200)
    world(key=None).unsafe(422)
    world(repeated=True).unsafe(422)
    world().safe(404)
    world(None).unsafe(422)
    made = world(None)
    made.ctx.form_key()  # of a guest who begins with this answer
    made.unsafe(422)
    for status in (401, 403):
        made = world(GUEST, None)
        made.ctx.sign_in("ann")  # and the app takes that back
        made.unsafe(status)
    assert origin.sessions == []


# The state that a replay brings


@pytest.mark.parametrize(
    ("base", "state"),
    [(BASE, 7), (f"{BASE[:-1]}3", 1), (f"{'x' * 16}.4", 1), ("", 1)],
    ids=["of this view", "of an older one", "of another session", "of no view"],
)
@pytest.mark.parametrize("status", [200, 409, 503])
def test_replay_brings_its_state_only_to_the_view_it_was_made_from(
    world: Make, origin: Origin, clock: Any, reopened: Reopened, base: str, state: int, status: int
) -> None:
    origin.earlier = StoredResponse(201, (), b"first", {"cups": 7}, base=base)
    made = world(ANN, View("ann", 4, {"cups": 1}, (), int(clock()) - VIEW_LIFE // 2 - 1, sid=SID))
    made.ctx.records.put("orders", "one", {})
    answer = made.unsafe(status)
    assert (answer.status, answer.body) == (201, b"first")
    assert reopened(answer).state == {"cups": state}
    assert reopened(answer).version == (5 if base == BASE else 4)


def test_sealed_state_of_an_old_answer_stays_where_it_is(world: Make, origin: Origin) -> None:
    origin.earlier = StoredResponse(201, (), b"first", None, "sealed", base=f"{BASE[:-1]}3")
    made = world()
    made.ctx.records.put("orders", "one", {})
    assert cookies(made.unsafe()) == {}


def test_state_of_who_had_no_session_comes_with_a_replay(
    world: Make, origin: Origin, reopened: Reopened
) -> None:
    for session, view in ((None, None), (ANN, None)):
        made = world(session, view)
        made.ctx.sign_in("ann")
        made.ctx.state["cups"] = 7
        made.ctx.records.put("orders", "one", {})
        made.unsafe()
        origin.earlier = origin.commits[-1][2].response
        again = world(session, view)
        again.ctx.sign_in("ann")
        again.ctx.records.put("orders", "one", {})
        assert reopened(again.unsafe()).state == {"cups": 7}
        origin.earlier = None


# What does not fit


@pytest.mark.parametrize("signs_in", [False, True], ids=["stays", "signs in"])
def test_what_does_not_fit_into_a_cookie_is_refused_before_the_commit(
    world: Make, origin: Origin, signs_in: bool
) -> None:
    name = "\U0001f375" * 128  # a user's id may be long in bytes
    session = GUEST if signs_in else replace(ANN, subject=name, claims={"note": "x" * 200})
    made = world(session, View(session.subject, 4, {}, sid=session.sid))
    if signs_in:
        made.ctx.sign_in(name, note="x" * 200)
    made.ctx.state["essay"] = "x" * 2030
    made.ctx.records.put("orders", "one", {})
    with pytest.raises(Problem, match=r"state-too-large.*essay"):
        made.unsafe()
    assert origin.commits == []
    assert origin.sessions == []


def test_browser_never_commits_a_changed_state(world: Make, origin: Origin) -> None:
    made = world(name="browser")
    made.ctx.state["cups"] = 2
    with pytest.raises(NeedsEdge):
        made.safe()
    assert origin.commits == []


def test_bad_request_of_a_framework_is_explained(
    make_host: Callable[..., Host], make_scope: Callable[..., dict[str, Any]]
) -> None:
    scope = make_scope("POST", "/", [("content-type", "application/json")])
    made = World(make_host(), scope, Visitor(), body=b"{")
    with pytest.raises(Problem, match="malformed-json"):
        made.unsafe(400, [(b"content-type", b"text/plain; charset=utf-8")], b"Bad Request")
    own = made.unsafe(400, [(b"content-type", b"application/json")], b'{"error":"mine"}')
    assert own.body == b'{"error":"mine"}'


def test_answer_too_large_to_be_stored_is_refused(world: Make, origin: Origin) -> None:
    made = world()
    made.ctx.records.put("orders", "one", {})
    with pytest.raises(Problem, match="response-too-large"):
        made.unsafe(200, [], b"x" * (RESPONSE_LIMIT + 1))
    assert origin.commits == []


# Views that are handed over without a change


def test_browser_does_not_renew_a_view(world: Make) -> None:
    made = world(ANN, View("ann", 1, {}, (), 0), name="browser")
    assert cookies(made.safe()) == {}


def test_renewed_view_is_the_same_but_for_its_time(world: Make, clock: Any, reopened: Reopened) -> None:
    old = View("ann", 4, {"cups": 1}, ("k" * 16 + ":12345678",), int(clock()) - VIEW_LIFE // 2, sid=SID)
    assert cookies(world(ANN, old).safe()) == {}
    old = replace(old, issued_at=old.issued_at - 1)
    view = reopened(world(ANN, old).safe())
    assert (view.version, view.state, view.applied) == (4, {"cups": 1}, old.applied)
    assert view.issued_at == int(clock())


def test_lost_view_is_made_anew_for_the_same_session(world: Make, reopened: Reopened) -> None:
    answer = world(ANN, None).safe()
    assert (reopened(answer).version, reopened(answer).state, reopened(answer).sid) == (1, {}, SID)
    assert set(cookies(answer)) == {"view"}


def test_view_learns_that_its_session_was_bound(world: Make, reopened: Reopened) -> None:
    assert reopened(world(replace(ANN, jkt="thumbprint")).safe()).jkt == "thumbprint"


def test_view_keeps_the_layout_that_its_state_has(world: Make, clock: Any, reopened: Reopened) -> None:
    shape = Shape(2, lambda values, _version: {"mugs": values["cups"]})
    old = View("ann", 4, {"cups": 1}, (), int(clock()) - VIEW_LIFE, sid=SID, shape=1)
    view = reopened(world(ANN, old, shape=shape).safe())
    assert (view.state, view.shape) == ({"cups": 1}, 1)
    made = world(ANN, old, shape=shape)
    made.ctx.state["mugs"] += 1
    view = reopened(made.unsafe())
    assert (view.state, view.shape) == ({"mugs": 2}, 2)
    made = world(None, shape=shape)
    made.ctx.form_key()
    assert reopened(made.safe()).shape == 2


# Sealed state


def test_sealed_state_is_handed_over_in_a_cookie_of_its_own(
    world: Make, reopened: Reopened, unsealed: Unsealed
) -> None:
    made = world(sealed={"code": 7})
    made.ctx.sealed["tries"] = 1
    answer = made.unsafe()
    assert set(cookies(answer)) == {"view", "sealed"}
    view = reopened(answer)
    assert unsealed(cookies(answer)["sealed"], SID) == (view.version, {"code": 7, "tries": 1})
    assert (view.version, view.state) == (5, {"cups": 1})
    assert view.applied == remember((), KEY, MARK, stored=False)


def test_sealed_state_of_a_visitor_makes_a_guest(world: Make, reopened: Reopened, unsealed: Unsealed) -> None:
    made = world(None)
    made.ctx.sealed["code"] = 7
    answer = made.unsafe()
    assert unsealed(cookies(answer)["sealed"], reopened(answer).sid) == (1, {"code": 7})


def test_sealed_state_is_stored_with_the_answer_but_never_in_the_clear(
    world: Make, origin: Origin, unsealed: Unsealed
) -> None:
    made = world()
    made.ctx.sealed["code"] = "open sesame"
    made.ctx.records.put("orders", "one", {})
    answer = made.unsafe(200, [], b"done")
    ((_, _, commit),) = origin.commits
    assert commit.response.state is None
    assert "open sesame" not in repr(commit)
    assert commit.response.sealed == cookies(answer)["sealed"]
    origin.earlier = commit.response
    again = world()
    again.ctx.records.put("orders", "one", {})
    assert cookies(again.unsafe())["sealed"] == commit.response.sealed


def test_sealed_state_that_does_not_fit_is_refused(world: Make) -> None:
    made = world()
    made.ctx.sealed["essay"] = "x" * 4096
    with pytest.raises(Problem, match=r"state-too-large.*essay"):
        made.unsafe()


# Signing in


def test_who_signs_in_gets_a_session_that_the_origin_knows(
    world: Make, origin: Origin, reopened: Reopened, session_of: SessionOf, clock: Any
) -> None:
    made = world(GUEST, View("guest:one", 4, {"cups": 1}, ("k" * 16 + ":12345678",), sid=GUEST.sid))
    made.ctx.sign_in("ann", name="Ann")
    answer = made.unsafe(303, [(b"location", b"/")])
    session, view = session_of(answer), reopened(answer)
    assert origin.sessions == [("create", Principal("ann", session.sid), {"name": "Ann"}, None)]
    assert (session.subject, session.guest, session.epoch) == ("ann", False, 9)
    assert session.claims == {"name": "Ann"}
    assert session.sid != GUEST.sid
    assert cookies(answer)["refresh"] == f"{session.sid}.secret"
    assert (view.subject, view.sid, view.guest, view.claims) == ("ann", session.sid, False, {"name": "Ann"})
    assert (view.version, view.state, len(view.applied)) == (4, {"cups": 1}, 1)
    assert view.form_secret == made.host.visitors.form_secret(session)
    assert header(answer, b"location") == b"/"


def test_sealed_state_is_sealed_anew_for_the_session_that_begins(
    world: Make, reopened: Reopened, unsealed: Unsealed
) -> None:
    view = View("guest:one", 4, {}, sid=GUEST.sid)
    kept = world(GUEST, view, sealed={"code": 7})
    kept.ctx.sign_in("ann")
    changed = world(GUEST, view, sealed={"code": 7})
    changed.ctx.sign_in("ann")
    changed.ctx.sealed["code"] = 8
    for made, version, code in ((kept, 4, 7), (changed, 5, 8)):
        answer = made.unsafe()
        assert unsealed(cookies(answer)["sealed"], reopened(answer).sid) == (version, {"code": code})


def test_device_is_told_to_the_origin(
    world: Make, origin: Origin, reopened: Reopened, session_of: SessionOf
) -> None:
    made = world(None)
    made.ctx.sign_in("ann")
    assert made.ctx.session is not None
    made.ctx.session = replace(made.ctx.session, jkt="thumbprint")
    answer = made.unsafe()
    assert origin.sessions[0][3] == reopened(answer).jkt == session_of(answer).jkt == "thumbprint"


def test_sign_in_may_happen_in_a_safe_request(world: Make, origin: Origin) -> None:
    made = world(None)
    made.ctx.sign_in("ann")
    assert set(cookies(made.safe(303))) == {"session", "refresh", "view"}
    assert [call[0] for call in origin.sessions] == ["create"]


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
@pytest.mark.parametrize("before", [None, GUEST, ANN], ids=["nobody", "guest", "ann"])
def test_failure_signs_nobody_in(world: Make, origin: Origin, status: int, before: Session | None) -> None:
    made = world(before)
    made.ctx.sign_in("bob")
    made.ctx.state["cups"] = 2
    assert cookies(made.unsafe(status)) == {}
    assert made.ctx.session is before
    assert [call for call in origin.sessions if call[0] != "outcome"] == []


@pytest.mark.parametrize("status", [401, 503])
def test_guest_who_was_made_before_a_failure_stays(world: Make, origin: Origin, status: int) -> None:
    made = world(None)
    made.ctx.form_key()  # of the form to try again with
    assert set(cookies(made.unsafe(status))) == {"session", "view"}
    assert origin.sessions == []


def test_nobody_is_signed_in_while_the_origin_is_away(world: Make, origin: Origin) -> None:
    origin.away = True
    made = world(None)
    made.ctx.sign_in("ann")
    with pytest.raises(Problem, match="origin-unavailable"):
        made.unsafe()


def test_commit_of_who_signs_in_is_the_new_users(world: Make, origin: Origin) -> None:
    made = world(GUEST, None)
    made.ctx.sign_in("ann")
    made.ctx.records.put("visits", "one", {})
    answer = made.unsafe()
    assert origin.commits[0][0] == Principal("ann")
    assert set(cookies(answer)) == {"session", "refresh", "view"}


# Signing out


def test_who_signs_out_keeps_nothing(world: Make, origin: Origin) -> None:
    for everywhere in (False, True):
        made = world(sealed={"code": 7})
        made.ctx.sign_out(everywhere=everywhere)
        made.ctx.state["cups"] = 2
        answer = made.unsafe(303, [(b"cache-control", b"public"), (b"location", b"/")])
        assert origin.sessions.pop() == ("end", Principal("ann", SID, 3), everywhere)
        assert cookies(answer) == dict.fromkeys(("session", "refresh", "view", "sealed"), "")
        assert header(answer, b"edgekit-view") == b"none"
        assert header(answer, b"clear-site-data") == b'"cache"'
        assert header(answer, b"cache-control") == b"private, no-cache"


@pytest.mark.parametrize("before", [None, GUEST], ids=["nobody", "guest"])
def test_who_was_not_signed_in_signs_out_without_the_origin(
    world: Make, origin: Origin, before: Session | None
) -> None:
    made = world(before)
    made.ctx.sign_out()
    assert set(cookies(made.unsafe()).values()) == {""}
    assert origin.sessions == []


@pytest.mark.parametrize("status", [401, 500])
def test_failure_signs_nobody_out(world: Make, origin: Origin, status: int) -> None:
    made = world()
    made.ctx.sign_out()
    assert cookies(made.unsafe(status)) == {}
    assert [call for call in origin.sessions if call[0] != "outcome"] == []


def test_who_leaves_while_the_origin_is_away_is_forgotten_here(world: Make, origin: Origin) -> None:
    """case T12: else nobody could leave a computer that others use."""
    origin.away = True
    made = world()
    made.ctx.sign_out()
    answer = made.unsafe(303)
    assert set(cookies(answer).values()) == {""}
    assert header(answer, b"edgekit-view") == b"none"


def test_nobody_is_told_to_be_signed_out_everywhere_who_is_not(world: Make, origin: Origin) -> None:
    origin.away = True
    made = world()
    made.ctx.sign_out(everywhere=True)
    with pytest.raises(Problem, match="origin-unavailable"):
        made.unsafe()


# What was stored before


def test_stored_answer_is_given_without_running_the_app(world: Make, origin: Origin) -> None:
    made, sent = world(), []

    async def send(message: Any) -> None:
        sent.append(message)

    responder = Responder(made.scope, send, made.host)
    with pytest.raises(Problem, match="idempotency-key-expired"):
        asyncio.run(made.settlement.give_stored(responder))
    assert sent == []
    origin.sessions.clear()
    origin.earlier = StoredResponse(201, (), b"first")
    asyncio.run(made.settlement.give_stored(responder))
    assert origin.sessions[0] == ("outcome", Principal("ann", SID, 3), KEY)
    assert (sent[0]["status"], sent[1]["body"]) == (201, b"first")
    assert (b"idempotency-replayed", b"true") in sent[0]["headers"]


# Caches


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"", b"private, no-cache"),
        (b"public, max-age=60", b"private, no-cache"),
        (b"Max-Age=60", b"private, no-cache"),
        (b"No-Store", b"No-Store"),
        (b"Private, max-age=5", b"Private, max-age=5"),
    ],
)
def test_answer_with_tokens_is_not_for_caches_that_others_use(world: Make, said: bytes, kept: bytes) -> None:
    headers = [(b"cache-control", said)] if said else []
    made = world()
    made.ctx.state["cups"] = 2
    answer = made.unsafe(200, headers)
    assert [value for name, value in answer.headers if name == b"cache-control"] == [kept]
    assert "view" in cookies(answer)


def test_public_answer_stays_public_while_nothing_has_to_be_handed_over(world: Make, clock: Any) -> None:
    old = View("ann", 1, {}, (), int(clock()) - VIEW_LIFE, sid=SID)
    answer = world(ANN, old).safe(200, [(b"cache-control", b"max-age=60")])
    assert answer.headers == [(b"cache-control", b"max-age=60")]


# Fingerprints


def mark_of(make_scope: Callable[..., dict[str, Any]], body: bytes = b"", **parts: Any) -> str:
    headers = [("content-type", parts.pop("kind"))] if "kind" in parts else []
    return fingerprint_of(make_scope("POST", parts.pop("target", "/a"), headers, **parts), body)


def test_fingerprint_covers_the_path_as_it_was_sent(make_scope: Callable[..., dict[str, Any]]) -> None:
    assert mark_of(make_scope, target="/a%2Fb") != mark_of(make_scope, target="/a/b")
    assert mark_of(make_scope, target="/a?b=1") != mark_of(make_scope, target="/a?b=2")
    assert mark_of(make_scope, target="/a", raw_path=None) == mark_of(make_scope, target="/a")


@pytest.mark.parametrize("quote", ["", '"'])
def test_fingerprint_of_a_form_does_not_depend_on_its_boundary(
    make_scope: Callable[..., dict[str, Any]], quote: str
) -> None:
    def form(boundary: str, value: str = "1") -> str:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n--{boundary}--\r\n'
        )
        kind = f"multipart/form-data; boundary={quote}{boundary}{quote}"
        return mark_of(make_scope, body.encode(), kind=kind)

    assert form("----WebKitFormBoundaryAbC1") == form("----WebKitFormBoundaryXyZ2")
    assert form("one") != form("one", "2")


def test_fingerprint_of_other_types_covers_everything(make_scope: Callable[..., dict[str, Any]]) -> None:
    assert mark_of(make_scope, b"--x", kind="text/plain; boundary=x") != mark_of(
        make_scope, b"--y", kind="text/plain; boundary=y"
    )
