"""Who asks, as the rest of the kit sees it; and the browser, which is told by its service worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.errors import NeedsEdge, Problem
from edge.proof import Proof, body_digest, session_hash
from edge.tokens import Session
from edge.types import View
from edge.visitor import Changes, PayloadVisitors, User, Visitor
from edge.wire import RecordKey, Write

MakeScope = Callable[..., dict[str, Any]]
SID, SECRET = "s" * 22, "f" * 22
CLAIMS = {
    "sub": "ann",
    "sid": SID,
    "ver": 2,
    "state": {"cups": 1},
    "keys": ["key-one"],
    "iat": 7,
    "exp": 8,
    "usr": {"name": "Ann"},
    "guest": False,
    "frm": SECRET,
    "shp": 3,
}


def session(jkt: str | None = None) -> Session:
    return Session("ann", SID, False, 0, 0, {}, jkt)


def proof(body: bytes = b"") -> Proof:
    return Proof("thumbprint", True, {"bd": body_digest(body)})


def test_user_reads_as_its_id() -> None:
    assert f"{User('ann')}" == "ann"
    assert User("ann", False, {"name": "Ann"}).claims == {"name": "Ann"}


@pytest.mark.parametrize(
    ("asks", "bound"),
    [(None, False), (session(), False), (session("thumbprint"), True)],
    ids=["nobody", "plain", "bound"],
)
def test_visitor_is_bound_if_the_session_is(asks: Session | None, bound: bool) -> None:
    assert Visitor(asks).is_bound is bound


def test_proof_for_another_body_is_none_at_all() -> None:
    visitor = Visitor(session(), proof=proof(b"tea"))
    visitor.check_body(b"tea")
    assert visitor.proof is not None
    visitor.check_body(b"tee")
    assert visitor.proof is None


def test_bound_session_without_a_proof_for_the_body_is_refused() -> None:
    visitor = Visitor(session("thumbprint"), proof=proof(b"tea"))
    visitor.check_body(b"tea")
    with pytest.raises(Problem, match="device-proof"):
        visitor.check_body(b"tee")
    with pytest.raises(Problem, match="device-proof"):
        visitor.check_body(b"tea")  # what was taken back stays so


def test_write_for_another_session_is_refused() -> None:
    for asks, unknown, code in (
        (session(), False, "session-changed"),
        (None, False, "session-changed"),
        (None, True, "origin-unavailable"),
    ):
        with pytest.raises(Problem, match=code):
            Visitor(asks, is_unknown=unknown).check_author(session_hash("o" * 22))
    Visitor(session()).check_author(session_hash(SID))
    Visitor().check_author(None)


# The browser


@pytest.mark.parametrize("jkt", [{}, {"jkt": "thumbprint"}])
def test_browser_takes_the_claims_that_the_service_worker_verified(
    make_scope: MakeScope, jkt: dict[str, str]
) -> None:
    visitor = asyncio.run(PayloadVisitors().open(make_scope(**{"edgekit.view": {**CLAIMS, **jkt}})))
    assert visitor.view == View(
        "ann",
        2,
        {"cups": 1},
        ("key-one",),
        7,
        sid=SID,
        guest=False,
        claims={"name": "Ann"},
        form_secret=SECRET,
        jkt=jkt.get("jkt"),
        shape=3,
    )
    asks = visitor.session
    assert asks is not None
    assert (asks.subject, asks.sid, asks.guest, asks.claims) == ("ann", SID, False, {"name": "Ann"})
    assert visitor.is_bound is bool(jkt)
    assert visitor.sealed is None


def test_browser_sees_what_its_own_requests_would_change(make_scope: MakeScope) -> None:
    effects = [
        {"state": {"cups": 2}, "shp": 4, "writes": [["user", "orders", "one", {"total": 5}]]},
        {"state": None, "shp": 4, "writes": [["shared", "stock", "tea", None]]},
    ]
    claims = {**CLAIMS, "effects": effects}
    visitor = asyncio.run(PayloadVisitors().open(make_scope(**{"edgekit.view": claims})))
    assert visitor.view is not None
    assert (visitor.view.state, visitor.view.shape) == ({"cups": 2}, 4)
    assert visitor.overlay == (
        Write(RecordKey("user", "orders", "one"), {"total": 5}),
        Write(RecordKey("shared", "stock", "tea"), None),
    )


def test_browser_without_a_view_knows_nobody(make_scope: MakeScope) -> None:
    assert asyncio.run(PayloadVisitors().open(make_scope())) == Visitor()


@pytest.mark.parametrize(
    "use",
    [
        lambda visitors: asyncio.run(visitors.seal(session(), 1, {})),
        lambda visitors: asyncio.run(visitors.issue({}, Changes())),
        lambda visitors: visitors.dismiss({}),
        lambda visitors: visitors.form_secret(session()),
        lambda visitors: visitors.form_secrets(session()),
    ],
    ids=["seal", "issue", "dismiss", "form_secret", "form_secrets"],
)
def test_browser_has_no_key_for_anything(use: Callable[[PayloadVisitors], Any]) -> None:
    with pytest.raises(NeedsEdge):
        use(PayloadVisitors())


def test_browser_judges_no_proof() -> None:
    assert isinstance(PayloadVisitors().refusal(None), NeedsEdge)
