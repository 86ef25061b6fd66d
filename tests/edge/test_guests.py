"""Guests, and the proof that one was another one before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge import Stateless, context
from edge.guests import author_of, guest, name_of
from edge.jose import decode_segment
from edge.testing import Client
from edge.tokens import Session

GONE, HERE = "g" * 22, "h" * 22
SECRET = "s" * 22
GUEST = Session(name_of(HERE), HERE, True, 5, 0, {})


def secrets(sid: str) -> list[str]:
    return ["o" * 22, SECRET] if sid == GONE else ["x" * 22]


@pytest.fixture
def author(make_scope: Callable[..., dict[str, Any]]) -> Callable[..., str | None]:
    """`author("claim", session, secrets)`: whom the edge believes to have foretold it."""

    def author(claim: str | None, session: Session | None = GUEST, known: Any = secrets) -> str | None:
        headers = [] if claim is None else [("edgekit-author", claim)]
        return author_of(make_scope("POST", "/", headers), session, known)

    return author


def test_a_guests_name_follows_from_the_session() -> None:
    made = guest(bytes, 7.9)
    assert made == Session(name_of(made.sid), "A" * 22, True, 7, 0, {})
    assert made.subject != name_of(HERE)
    assert made.subject.startswith("guest:")
    assert made.sid not in made.subject


def test_who_shows_the_secret_of_a_session_was_its_guest(author: Any) -> None:
    """case T1"""
    assert author(f"{GONE}.{SECRET}") == name_of(GONE)
    assert author(f"{GONE}.{SECRET}", GUEST, None) == name_of(GONE)  # a browser, which only foretells


@pytest.mark.parametrize(
    "claim",
    [
        *(None, "", ".", f"{GONE}", f"{GONE}.", f".{SECRET}", f"{GONE}.{SECRET}x", f"{GONE}.x"),
        *(f"{GONE[:-1]}.{SECRET}", f"{GONE}.caf\xe9", f"{'z' * 22}.{SECRET}", f"{HERE}.{SECRET}"),
        *(f" {GONE}.{SECRET}", f"guest:a.{SECRET}"),
    ],
)
def test_who_does_not_is_who_they_are(author: Any, claim: str | None) -> None:
    """case T1: nobody chooses whose key theirs is."""
    assert author(claim) is None


def test_only_guests_were_guests(author: Any) -> None:
    user = Session("ann", HERE, False, 5, 0, {})
    assert author(f"{GONE}.{SECRET}", user) is None
    assert author(f"{GONE}.{SECRET}", None) is None


# A guest whose cookies got lost, and an outbox that sends what the guest wrote


async def buy(request: Request) -> Response:
    ctx = context(request)
    order = ctx.new_id()
    ctx.state["bought"] = order
    ctx.records.put("orders", order, {"key": ctx.key})
    return JSONResponse({"order": order, "key": ctx.key})


async def known(request: Request) -> Response:
    return JSONResponse(context(request).state.get("bought"))


class Shop:
    """A browser that was somebody and is somebody else now; `claim` is what its outbox knows of before."""

    def __init__(self) -> None:
        app = Stateless(Starlette(routes=[Route("/", known), Route("/", buy, methods=["POST"])]))
        self.client = Client(app)
        self.claim = self.lose_cookies()

    def lose_cookies(self) -> str:
        """Whom the next visitor can say to have been."""
        self.client.cookies.clear()
        self.client.post("/")  # a guest needs a reason
        view = json.loads(decode_segment(self.client.cookies["edgekit-view"].split(".")[1]))
        return f"{view['sid']}.{view['frm']}"

    def buy(self, key: str, claim: str = "") -> Any:
        headers = {"idempotency-key": key} | ({"edgekit-author": claim} if claim else {})
        return self.client.post("/", headers=headers)

    @property
    def owners(self) -> int:
        return len({subject for subject, _ in self.client.origin.records})


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_what_was_foretold_for_the_guest_before_comes_out_the_same(shop: Shop) -> None:
    """case T1: the ids that are on the screen, and the key that a service was given."""
    before = shop.buy("k" * 20).json()
    shop.client.origin.outcomes.clear()  # nothing has reached the origin yet
    shop.lose_cookies()
    assert shop.buy("k" * 20, shop.claim).json() == before
    assert shop.client.get("/").json() == before["order"]  # it has become the next guest's


def test_what_has_happened_for_the_guest_before_does_not_happen_again(shop: Shop) -> None:
    before, owners = shop.buy("k" * 20), shop.owners
    for _ in range(2):  # the second one is an attacker who hands the claim around
        shop.lose_cookies()
        again = shop.buy("k" * 20, shop.claim)
        assert (again.json(), again.headers["idempotency-replayed"]) == (before.json(), "true")
        assert shop.client.get("/").json() != before.json()["order"]  # nor does the state come along
    assert shop.owners == owners + 2  # only what `lose_cookies` has bought


def test_a_claim_that_is_made_up_gives_nobody_elses_key(shop: Shop) -> None:
    """case T1"""
    before = shop.buy("k" * 20).json()
    shop.lose_cookies()
    sid, _, secret = shop.claim.partition(".")
    for claim in (f"{sid}.{'A' * 22}", f"{'A' * 22}.{secret}", sid):
        assert shop.buy("k" * 20, claim).json()["key"] != before["key"]
        shop.lose_cookies()


def test_signing_in_leaves_the_guest_behind(shop: Shop) -> None:
    async def enter(request: Request) -> Response:
        context(request).sign_in("ann")
        return JSONResponse(context(request).key)

    shop.client.app.app.routes.append(Route("/enter", enter, methods=["POST"]))  # type: ignore[attr-defined]
    headers = {"idempotency-key": "k" * 20}
    first = shop.client.post("/enter", headers=headers | {"edgekit-author": shop.claim}).json()
    shop.lose_cookies()
    assert shop.client.post("/enter", headers=headers).json() == first
