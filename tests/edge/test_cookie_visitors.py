"""Sessions in encrypted cookies: how they are read, renewed, bound and taken away."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from edge import cookies
from edge.cookie_visitors import GUEST_RENEWAL, CookieVisitors
from edge.errors import Problem
from edge.keys import NativeKeys, fixed, generate
from edge.keyset import KNOWN_AHEAD, rotated
from edge.proof import Proofs
from edge.session_wire import Renewed
from edge.state import STATE_LIMIT
from edge.tokens import (
    GUEST_LIFE,
    REFRESH_LIFE,
    SEALED_LIFE,
    SESSION_LIFE,
    VIEW_LIFE,
    Session,
    mint_sealed,
    mint_session,
    mint_view,
    open_session,
    open_view,
)
from edge.types import View
from edge.visitor import Changes, Headers, Visitor

SID = "s" * 22
REFRESH = f"{SID}.{'r' * 43}"
KEY = "a-key-of-a-test-0001"
GUEST = Session("guest:one", SID, True, 1, 0, {})
ANN = Session("ann", SID, False, 5, 3, {"name": "Ann"})
Scope = dict[str, Any]
MakeScope = Callable[..., Scope]


class Origin:
    """Renews every session as ann's, or fails with the code `problem`; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.problem: str | None = None
        self.jkt: str | None = None
        self.late = False

    async def refresh_session(self, token: str, jkt: str | None) -> Renewed:
        self.asked.append((token, jkt))
        if self.problem is not None:
            raise Problem(self.problem)
        return Renewed(SID, "ann", {"name": "Ann"}, 4, self.jkt, 5, f"{SID}.{'n' * 43}", self.late)


class Revocations:
    """Knows what the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.problem: str | None = None
        self.floor = 0

    async def check(self, session: Session, *, writing: bool) -> None:
        self.asked.append((session.sid, writing))
        if self.problem is not None:
            raise Problem(self.problem)

    def is_outdated(self, session: Session) -> bool:
        return not session.guest and session.issued_at < self.floor


class Edge:
    """An edge, and what a browser keeps of its answers."""

    def __init__(self, keys: NativeKeys, clock: Any, make_scope: MakeScope) -> None:
        self.keys, self.clock = keys, clock
        self.origin, self.revocations = Origin(), Revocations()
        self.proofs = Proofs(keys.verify_proof_signature, keys, clock, clock)
        serial = itertools.count(1)
        self.entropy = lambda size: next(serial).to_bytes(size, "big")
        self.visitors = CookieVisitors(
            keys,
            self.proofs,
            self.origin,  # type: ignore[arg-type]
            self.revocations,  # type: ignore[arg-type]
            clock,
            self.entropy,
        )
        self._make_scope = make_scope

    def scope(
        self, method: str = "GET", target: str = "/", headers: Mapping[str, str] | None = None, **held: str
    ) -> Scope:
        """A request with the cookies `held`, named by what they carry."""
        cookie = "; ".join(f"edgekit-{which}={value}" for which, value in held.items())
        pairs = [("host", "testserver"), *(headers or {}).items(), *([("cookie", cookie)] if cookie else [])]
        return self._make_scope(method, target, pairs)

    def open(self, *args: Any, **held: str) -> Visitor:
        return asyncio.run(self.visitors.open(self.scope(*args, **held)))

    def refused(self, code: str, *args: Any, **held: str) -> Problem:
        with pytest.raises(Problem) as caught:
            self.open(*args, **held)
        assert caught.value.code == code
        return caught.value

    def session(self, session: Session = ANN, age: float = 0) -> str:
        """A session's token, made `age` seconds ago."""
        return asyncio.run(mint_session(self.keys, session, self.clock() - age, self.entropy))

    def view(self, **members: Any) -> str:
        view = View("ann", 2, {"cups": 1}, ("key-one",), sid=SID, guest=False, form_secret="f" * 22)
        return asyncio.run(mint_view(self.keys, replace(view, **members), self.clock()))

    def sealed(self, sid: str = SID) -> str:
        return asyncio.run(mint_sealed(self.keys, sid, 1, {"code": 7}, self.clock(), self.entropy))

    def reopened(self, token: str) -> Session:
        return asyncio.run(open_session(token, self.keys, self.clock()))


@pytest.fixture
def edge(keys: NativeKeys, clock: Any, make_scope: MakeScope) -> Edge:
    return Edge(keys, clock, make_scope)


def given(headers: Headers) -> dict[str, tuple[str, int]]:
    """What is set by which cookie, and for how many seconds."""
    found = {}
    for name, value in headers:
        if name == b"set-cookie":
            pair, _path, age, *_ = value.decode().split("; ")
            found[pair.partition("=")[0].removeprefix("edgekit-")] = (
                pair.partition("=")[2],
                int(age.removeprefix("Max-Age=")),
            )
    return found


def named(headers: Headers, name: bytes) -> list[bytes]:
    return [value for found, value in headers if found == name]


ERASED = dict.fromkeys(cookies.ALL, ("", 0))


# Reading


def test_without_cookies_there_is_nobody(edge: Edge) -> None:
    assert edge.open() == Visitor()
    assert edge.open("POST") == Visitor()
    assert edge.revocations.asked == []


@pytest.mark.parametrize("session", [ANN, GUEST], ids=["user", "guest"])
def test_session_comes_with_its_view_and_its_sealed_state(edge: Edge, session: Session) -> None:
    view = edge.view(subject=session.subject, guest=session.guest)
    visitor = edge.open(session=edge.session(session), view=view, sealed=edge.sealed())
    now = int(edge.clock())
    assert visitor.session == replace(session, issued_at=now)
    assert visitor.view is not None
    assert (visitor.view.state, visitor.view.issued_at) == ({"cups": 1}, now)
    assert visitor.sealed == {"code": 7}
    assert (visitor.headers, visitor.proof, visitor.is_unknown) == ([], None, False)


def test_view_of_somebody_else_is_none(edge: Edge) -> None:
    for members in ({"sid": "t" * 22}, {"subject": "bob"}):
        assert edge.open(session=edge.session(), view=edge.view(**members)).view is None


def test_sealed_state_of_another_session_is_none(edge: Edge) -> None:
    assert edge.open(session=edge.session(), sealed=edge.sealed("t" * 22)).sealed is None


def test_view_and_sealed_state_are_nothing_without_a_session(edge: Edge) -> None:
    visitor = edge.open(view=edge.view(), sealed=edge.sealed())
    assert (visitor.session, visitor.view, visitor.sealed) == (None, None, None)


def test_unreadable_view_and_sealed_state_are_none_and_the_session_goes_on(edge: Edge) -> None:
    for bad in ("x", "", edge.session(), edge.view()[:-2] + "AA"):
        visitor = edge.open(session=edge.session(), view=bad, sealed=bad)
        assert visitor.session is not None
        assert (visitor.view, visitor.sealed) == (None, None)


def bad_sessions(edge: Edge) -> list[str]:
    """Tokens that are no session: garbage, of other kinds, of strangers, too old."""
    stranger = NativeKeys(fixed(generate()), edge.clock)
    good = edge.session()
    return [
        "",
        "x",
        good[:-2] + "AA",
        good.swapcase(),
        edge.view(),
        edge.sealed(),
        asyncio.run(mint_session(stranger, ANN, edge.clock(), edge.entropy)),
        edge.session(age=SESSION_LIFE + 60),
        edge.session(GUEST, age=GUEST_LIFE + 60),
    ]


def test_dead_session_reads_as_nobody_and_goes_away(edge: Edge) -> None:
    for token in bad_sessions(edge):
        visitor = edge.open(session=token, view=edge.view())
        assert (visitor.session, visitor.view, visitor.is_unknown) == (None, None, False)
        assert given(visitor.headers) == ERASED
        assert named(visitor.headers, b"edgekit-view") == [b"none"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_dead_session_writes_nothing_in_a_strangers_name(edge: Edge, method: str) -> None:
    for token in bad_sessions(edge):
        edge.refused("session-ended", method, session=token)


# Guests


def test_guest_is_sealed_anew_once_a_day_without_the_origin(edge: Edge) -> None:
    assert edge.open(session=edge.session(GUEST, age=GUEST_RENEWAL)).headers == []
    visitor = edge.open("POST", session=edge.session(GUEST, age=GUEST_RENEWAL + 1))
    ((which, (token, life)),) = given(visitor.headers).items()
    assert (which, life) == ("session", GUEST_LIFE)
    assert edge.reopened(token) == visitor.session == replace(GUEST, issued_at=int(edge.clock()))
    assert edge.origin.asked == []


def test_refresh_token_of_somebody_else_is_left_alone_beside_a_guest(edge: Edge) -> None:
    visitor = edge.open(session=edge.session(GUEST, age=SESSION_LIFE), refresh=REFRESH)
    assert visitor.session is not None
    assert visitor.session.guest
    assert edge.origin.asked == visitor.headers == []


# Renewal


def test_session_is_renewed_in_its_second_half(edge: Edge) -> None:
    fresh = edge.open(session=edge.session(age=SESSION_LIFE / 2), refresh=REFRESH)
    assert edge.origin.asked == fresh.headers == []
    for method, held in (("GET", {"session": edge.session(age=SESSION_LIFE / 2 + 1)}), ("POST", {})):
        visitor = edge.open(method, refresh=REFRESH, view=edge.view(), **held)
        assert edge.origin.asked.pop() == (REFRESH, None)
        assert visitor.session == replace(ANN, epoch=4, issued_at=int(edge.clock()))
        assert visitor.view is not None
        made = given(visitor.headers)
        assert edge.reopened(made["session"][0]) == visitor.session
        assert made["session"][1] == SESSION_LIFE
        assert made["refresh"] == (f"{SID}.{'n' * 43}", REFRESH_LIFE)


def test_unreadable_session_is_renewed_too(edge: Edge) -> None:
    for token in bad_sessions(edge):
        assert edge.open(session=token, refresh=REFRESH).session is not None
    assert edge.open("POST", session="x", refresh=REFRESH).session is not None


def test_session_without_a_refresh_token_lives_to_its_end(edge: Edge) -> None:
    visitor = edge.open(session=edge.session(age=SESSION_LIFE - 1))
    assert visitor.session is not None
    assert visitor.headers == []


def test_session_that_the_origin_wants_to_see_is_renewed_early(edge: Edge) -> None:
    token = edge.session(age=10)
    edge.revocations.floor = int(edge.clock()) - 5
    edge.open(session=token, refresh=REFRESH)
    assert edge.origin.asked == [(REFRESH, None)]


def test_while_the_origin_is_away_a_good_session_goes_on(edge: Edge) -> None:
    edge.origin.problem = "origin-unavailable"
    for method in ("GET", "POST"):
        visitor = edge.open(method, session=edge.session(age=SESSION_LIFE - 1), refresh=REFRESH)
        assert visitor.session is not None
        assert (visitor.headers, visitor.is_unknown) == ([], False)


def test_while_the_origin_is_away_an_expired_session_reads_as_nobody_and_is_not_lost(edge: Edge) -> None:
    edge.origin.problem = "origin-unavailable"
    for held in ({}, {"session": edge.session(age=SESSION_LIFE + 60)}):
        visitor = edge.open(refresh=REFRESH, view=edge.view(), sealed=edge.sealed(), **held)
        assert (visitor.session, visitor.view, visitor.sealed) == (None, None, None)
        assert visitor.is_unknown
        assert visitor.headers == []
        assert edge.refused("origin-unavailable", "POST", refresh=REFRESH, **held).fields == []


def test_session_that_the_origin_has_ended_reads_as_nobody(edge: Edge) -> None:
    edge.origin.problem = "session-ended"
    visitor = edge.open(refresh=REFRESH, view=edge.view())
    assert (visitor.session, visitor.is_unknown) == (None, False)
    assert given(visitor.headers) == ERASED


def test_session_that_the_origin_has_ended_is_refused_where_something_was_asked_in_its_name(
    edge: Edge,
) -> None:
    edge.origin.problem = "session-ended"
    token = edge.session(age=SESSION_LIFE - 1)
    for method, held in (("POST", {}), ("POST", {"session": token}), ("GET", {"session": token})):
        assert edge.refused("session-ended", method, refresh=REFRESH, **held).fields == []


# Ended early


def test_every_session_is_looked_up_among_those_that_have_ended(edge: Edge) -> None:
    edge.open(session=edge.session())
    edge.open("DELETE", session=edge.session(GUEST))
    edge.open("POST", refresh=REFRESH)
    assert edge.revocations.asked == [(SID, False), (SID, True), (SID, True)]


def test_session_that_has_ended_is_refused_also_when_it_was_just_renewed(edge: Edge) -> None:
    edge.revocations.problem = "session-ended"
    for held in ({"session": edge.session()}, {"refresh": REFRESH}, {"session": edge.session(GUEST)}):
        edge.refused("session-ended", **held)


def test_renewed_session_is_handed_over_even_if_it_cannot_be_checked(edge: Edge) -> None:
    edge.revocations.problem = "origin-unavailable"
    problem = edge.refused("origin-unavailable", "POST", refresh=REFRESH)
    assert set(given(problem.fields)) == {"session", "refresh"}


# Devices


def test_device_that_proves_itself_uses_its_session(edge: Edge, device: Any) -> None:
    token = edge.session(replace(ANN, jkt=device.jkt))
    proof = device.prove(sid=SID, nonce=edge.proofs.nonce())
    visitor = edge.open("GET", "/", {"dpop": proof}, session=token)
    assert visitor.is_bound
    assert visitor.proof is not None
    assert visitor.proof.jkt == device.jkt
    assert named(visitor.headers, b"dpop-nonce") == [edge.proofs.nonce().encode()]


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        (None, "use_dpop_nonce"),
        ({"nonce": None}, "use_dpop_nonce"),
        ({"nonce": "old"}, "use_dpop_nonce"),
        ({"htu": "http://testserver/other"}, "use_dpop_nonce"),
        ({"sid": None}, "invalid_dpop_proof"),
        ({"sid": "t" * 22}, "invalid_dpop_proof"),
        ({"other": True}, "invalid_dpop_proof"),
    ],
    ids=["none", "no nonce", "old nonce", "other path", "no session", "other session", "other key"],
)
def test_bound_session_without_its_device_is_refused_with_what_is_needed(
    edge: Edge, device: Any, make_device: Any, claims: dict[str, Any] | None, error: str
) -> None:
    token = edge.session(replace(ANN, jkt=device.jkt))
    headers = {}
    if claims is not None:
        said = {"sid": SID, "nonce": edge.proofs.nonce(), **claims}
        prover = make_device(edge.clock) if said.pop("other", False) else device
        headers = {"dpop": prover.prove(**said)}
    for method in ("GET", "POST"):  # a GET's proof is none for a POST
        problem = edge.refused("device-proof", method, "/", headers, session=token, refresh=REFRESH)
        assert problem.headers["dpop-nonce"] == edge.proofs.nonce()
        expected = error if method == "GET" else "use_dpop_nonce"
        assert problem.headers["www-authenticate"] == f'DPoP error="{expected}"'
        assert given(problem.fields) == {}
    assert edge.origin.asked == []


def test_renewal_names_the_device_only_if_its_proof_is_for_this_session(edge: Edge, device: Any) -> None:
    for claims, expected in (
        ({"sid": SID, "nonce": edge.proofs.nonce()}, device.jkt),
        ({"sid": SID}, None),
        ({"sid": "t" * 22, "nonce": edge.proofs.nonce()}, None),
        ({"nonce": edge.proofs.nonce()}, None),
    ):
        edge.open("GET", "/", {"dpop": device.prove(**claims)}, refresh=REFRESH)
        assert edge.origin.asked.pop() == (REFRESH, expected)


def test_session_becomes_bound_when_its_renewal_says_so(edge: Edge, device: Any) -> None:
    edge.origin.jkt = device.jkt
    proof = device.prove(sid=SID, nonce=edge.proofs.nonce())
    visitor = edge.open("GET", "/", {"dpop": proof}, session=edge.session(age=400), refresh=REFRESH)
    assert visitor.is_bound
    assert edge.reopened(given(visitor.headers)["session"][0]).jkt == device.jkt


@pytest.mark.parametrize("late", [False, True])
def test_session_that_was_bound_late_stays_so(edge: Edge, device: Any, late: bool) -> None:
    """case T3"""
    edge.origin.jkt, edge.origin.late = device.jkt, late
    headers = {"dpop": device.prove(sid=SID, nonce=edge.proofs.nonce())}
    visitor = edge.open("GET", "/", headers, refresh=REFRESH)
    assert (visitor.is_bound, visitor.is_vouched_for) == (True, not late)
    kept = given(visitor.headers)["session"][0]
    headers = {"dpop": device.prove(sid=SID, nonce=edge.proofs.nonce())}
    assert edge.open("GET", "/", headers, session=kept).is_vouched_for is not late


def test_a_proof_is_good_once_also_where_the_session_has_expired(edge: Edge, device: Any) -> None:
    edge.origin.jkt = device.jkt
    headers = {"dpop": device.prove(sid=SID, nonce=edge.proofs.nonce())}
    assert edge.open("GET", "/", headers, refresh=REFRESH).is_bound
    edge.refused("device-proof", "GET", "/", headers, refresh=REFRESH)


def test_proofs_of_strangers_do_not_make_an_edge_forget(edge: Edge, device: Any, make_device: Any) -> None:
    """case T9: anybody can sign them, for any session, and send cookies that never were."""
    stranger, nonce = make_device(edge.clock), edge.proofs.nonce()
    held = {"session": edge.session(replace(ANN, jkt=device.jkt))}
    for claims in ({"sid": SID}, {"sid": "t" * 22}, {}):
        for sent in ({}, held, {"refresh": REFRESH}, {"session": edge.session(age=400)}):
            edge.origin.problem = "session-ended"
            with contextlib.suppress(Problem):
                edge.open("GET", "/", {"dpop": stranger.prove(nonce=nonce, **claims)}, **sent)
    assert edge.proofs._seen.size == 0
    edge.open("GET", "/", {"dpop": device.prove(sid=SID, nonce=nonce)}, **held)
    assert edge.proofs._seen.size > 0


def test_expired_bound_session_asks_its_device_to_prove_itself(edge: Edge) -> None:
    edge.origin.problem = "device-proof"
    for method in ("GET", "POST"):
        problem = edge.refused("device-proof", method, refresh=REFRESH)
        assert problem.headers["dpop-nonce"] == edge.proofs.nonce()
        assert given(problem.fields) == {}


def test_plain_session_of_a_bound_one_lives_to_its_end(edge: Edge) -> None:
    edge.origin.problem = "device-proof"
    visitor = edge.open("POST", session=edge.session(age=SESSION_LIFE - 1), refresh=REFRESH)
    assert visitor.session is not None
    assert (visitor.is_bound, visitor.is_unknown, visitor.headers) == (False, False, [])


def test_nonce_is_told_to_those_who_can_use_it(edge: Edge, device: Any) -> None:
    nonce = edge.proofs.nonce().encode()
    for headers in ({"edgekit-client": "1"}, {"dpop": "x"}, {"dpop": device.prove()}):
        assert named(edge.open("GET", "/", headers).headers, b"dpop-nonce") == [nonce]
        problem = edge.refused("session-ended", "POST", "/", headers, session="x")
        assert named(problem.fields, b"dpop-nonce") == [nonce]
    assert edge.open().headers == []


# Handing over


def issued(edge: Edge, changes: Changes, **headers: str) -> Headers:
    return asyncio.run(edge.visitors.issue(edge.scope(headers=headers), changes))


def test_everything_that_changed_is_handed_over_for_as_long_as_it_lives(edge: Edge) -> None:
    view = View("ann", 3, {"cups": 2}, sid=SID, guest=False)
    made = given(issued(edge, Changes(ANN, REFRESH, view, edge.sealed())))
    assert {which: life for which, (_, life) in made.items()} == {
        "session": SESSION_LIFE,
        "refresh": REFRESH_LIFE,
        "view": VIEW_LIFE,
        "sealed": SEALED_LIFE,
    }
    held = {which: value for which, (value, _) in made.items()}
    visitor = edge.open(**held)
    assert visitor.session == replace(ANN, issued_at=int(edge.clock()))
    assert visitor.view == replace(view, issued_at=int(edge.clock()))
    assert visitor.sealed == {"code": 7}


def test_what_has_not_changed_is_not_handed_over(edge: Edge) -> None:
    ((which, (token, life)),) = given(issued(edge, Changes(GUEST))).items()
    assert (which, life) == ("session", GUEST_LIFE)
    assert edge.reopened(token).guest


def test_only_a_service_worker_sees_the_view_in_a_header(edge: Edge) -> None:
    view = View("ann", 3, {"cups": 2}, sid=SID, guest=False)
    assert named(issued(edge, Changes(view=view)), b"edgekit-view") == [b"changed"]
    (told,) = named(issued(edge, Changes(view=view), **{"edgekit-client": "1"}), b"edgekit-view")
    assert asyncio.run(open_view(told.decode(), edge.keys, edge.clock())).state == {"cups": 2}
    assert named(issued(edge, Changes(ANN)), b"edgekit-view") == []


def test_largest_state_and_sealed_state_each_fit_into_one_cookie(edge: Edge) -> None:
    state = {"x": "y" * (STATE_LIMIT - len('{"x":""}'))}
    applied = tuple(f"{number}" * 47 + "!12345678" for number in range(8))
    view = View("guest:" + "g" * 26, 2**40, state, applied, sid=SID, form_secret="f" * 22)
    sealed = asyncio.run(edge.visitors.seal(GUEST, 2**40, state))
    headers = issued(edge, Changes(GUEST, view=view, sealed=sealed))
    assert max(len(value) for _, value in headers) <= cookies.COOKIE_LIMIT


def test_what_remembers_requests_makes_room_for_state_the_oldest_first(edge: Edge) -> None:
    applied = tuple(f"{number}" * 56 for number in range(8))

    def left(filling: int) -> tuple[str, ...]:
        view = View("ann", 1, {"x": "y" * filling}, applied, sid=SID, form_secret="f" * 22)
        ((_, cookie), _) = issued(edge, Changes(view=view), **{"edgekit-client": "1"})
        assert len(cookie) <= cookies.COOKIE_LIMIT
        token = cookie.decode().partition("=")[2].partition(";")[0]
        return asyncio.run(open_view(token, edge.keys, edge.clock())).applied

    kept = [left(filling) for filling in range(1700, 2700, 20)]
    assert [len(each) for each in kept] == sorted((len(each) for each in kept), reverse=True)
    assert {len(each) for each in kept} == set(range(9))
    assert all(each == applied[8 - len(each) :] for each in kept)


def test_what_does_not_fit_into_a_cookie_is_refused_by_the_names_of_what_is_large(edge: Edge) -> None:
    state = {"essay": "x" * 3000, "cart": ["y"] * 200, "tiny": 1}
    with pytest.raises(Problem) as caught:
        issued(edge, Changes(view=View("ann", 1, state, sid=SID)))
    assert caught.value.code == "state-too-large"
    detail = caught.value.detail
    assert detail.index("essay (3002 bytes)") < detail.index("cart (801 bytes)")
    assert f"of {cookies.COOKIE_LIMIT} bytes" in detail


def test_session_too_large_for_a_cookie_is_refused_too(edge: Edge) -> None:
    with pytest.raises(Problem, match="state-too-large"):
        issued(edge, Changes(replace(ANN, claims={"x": "y" * 4096})))


def test_sealed_state_opens_in_its_own_session_only(edge: Edge) -> None:
    token = asyncio.run(edge.visitors.seal(ANN, 1, {"code": 9}))
    assert b"code" not in token.encode()
    assert edge.open(session=edge.session(), sealed=token).sealed == {"code": 9}
    assert edge.open(session=edge.session(replace(ANN, sid="t" * 22)), sealed=token).sealed is None
    edge.clock.now += SEALED_LIFE + 60
    assert edge.open(session=edge.session(), sealed=token).sealed is None


def test_dismissed_visitor_keeps_nothing(edge: Edge) -> None:
    for held in ({}, {"session": "x", "view": "y"}):
        headers = edge.visitors.dismiss(edge.scope(**held))
        assert given(headers) == ERASED
        assert named(headers, b"edgekit-view") == [b"none"]


# Forms


def test_form_secret_is_one_sessions_own_and_needs_no_memory(edge: Edge, make_scope: MakeScope) -> None:
    secret = edge.visitors.form_secret(ANN)
    assert len(secret) == 22
    assert Edge(edge.keys, edge.clock, make_scope).visitors.form_secret(ANN) == secret
    assert edge.visitors.form_secret(replace(ANN, sid="t" * 22)) != secret
    assert edge.visitors.form_secrets(ANN) == [secret]


# Keys that follow one another


def test_sessions_forms_and_nonces_outlive_the_keys_that_made_them(clock: Any, make_scope: MakeScope) -> None:
    old = generate()
    before = Edge(NativeKeys(fixed(old), clock), clock, make_scope)
    held = {"session": before.session(), "view": before.view(), "sealed": before.sealed()}
    secret, nonce = before.visitors.form_secret(ANN), before.proofs.nonce()
    both = rotated(old, generate()["keys"], clock())
    after = Edge(NativeKeys(fixed(both), clock), clock, make_scope)
    assert after.visitors.form_secret(ANN) == secret  # the new ones are not known everywhere yet
    visitor = after.open(**held)
    assert visitor.session is not None
    assert visitor.view is not None
    assert visitor.sealed == {"code": 7}
    clock.now += KNOWN_AHEAD
    assert after.visitors.form_secret(ANN) != secret
    assert secret in after.visitors.form_secrets(ANN)
    assert after.proofs.nonce() != nonce
    visitor = after.open(session=after.session(), view=held["view"], sealed=held["sealed"])
    assert visitor.view is not None
    assert visitor.sealed == {"code": 7}
    alone = Edge(NativeKeys(fixed({"keys": both["keys"][2:]}), clock), clock, make_scope)
    assert alone.open(session=alone.session(), view=held["view"], sealed=held["sealed"]).sealed is None
    assert secret not in alone.visitors.form_secrets(ANN)
