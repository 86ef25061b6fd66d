"""Accounts: opened, entered and left; what they keep and what not."""

from __future__ import annotations

import asyncio
import threading

import pytest
from shop import passwords

from edge.guests import PREFIX as GUEST_PREFIX

ANN = {"name": "Ann", "password": "a long password"}


@pytest.fixture
def send(shopper, key_of):
    """`send(fields)`: what the account page's form does, with its hidden field."""

    def send(fields: dict, action: str = "/account", **options):
        key = key_of(shopper.get("/account").text, action)
        return shopper.post(action, data={"_key": key, **fields}, **options)

    return send


def name_in_nav(page) -> str:
    return page.text.partition('<a href="/account"')[2].partition(">")[2].partition("<")[0]


def test_account_is_opened_and_its_owner_named_on_every_page(shopper, send):
    page = send({**ANN, "action": "open"})
    assert (page.status_code, str(page.url).endswith("/account")) == (200, True)
    assert name_in_nav(shopper.get("/")) == "Ann"
    assert shopper.json("/account")["signed_in"] == "Ann"


def test_cart_stays_and_orders_are_the_accounts(shopper, send):
    send({**ANN, "action": "open"})
    shopper.post("/cart", json={"sku": "sencha-uji", "quantity": 1})
    shopper.post("/orders", json={}, headers={"idempotency-key": "the-order-of-ann-1"})
    send({}, "/account/leave")
    assert name_in_nav(shopper.get("/")) == "Sign in"
    assert shopper.json("/orders")["orders"] == []
    shopper.somebody_else()
    send({"name": " ann ", "password": ANN["password"]})
    assert len(shopper.json("/orders")["orders"]) == 1


def test_cart_of_a_guest_comes_along(shopper, send):
    shopper.post("/cart", json={"sku": "sencha-uji", "quantity": 2})
    send({**ANN, "action": "open"})
    assert shopper.json("/cart")["count"] == 2


@pytest.mark.parametrize("fields", [{**ANN, "action": "open"}, ANN])
def test_orders_of_a_guest_come_along(shopper, send, fields):  # case N14
    """Whether the account is new or was there before: the page promises that orders wait."""
    if "action" not in fields:
        send({**ANN, "action": "open"})
        send({}, "/account/leave")
        shopper.somebody_else()
    shopper.post("/cart", json={"sku": "sencha-uji", "quantity": 1})
    headers = {"idempotency-key": "the-order-of-a-guest-1", "accept": "application/json"}
    made = shopper.post("/orders", json={}, headers=headers).json()
    send(fields)
    assert [placed["id"] for placed in shopper.json("/orders")["orders"]] == [made["id"]]
    assert shopper.json(made["url"]) == made
    send({}, "/account/leave")
    shopper.somebody_else()
    assert shopper.json("/orders")["orders"] == []
    send(ANN)
    assert len(shopper.json("/orders")["orders"]) == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({**ANN, "password": "another password", "action": "open"}, 409, "name-taken"),
        ({**ANN, "password": "another password"}, 403, "wrong-password"),
        ({**ANN, "name": "Bob"}, 403, "wrong-password"),
        ({**ANN, "password": "short"}, 422, "bad-account"),
        ({**ANN, "name": " "}, 422, "bad-account"),
        ({}, 422, "bad-account"),
    ],
)
def test_refusals_sign_nobody_in(shopper, send, fields, status, code):
    send({**ANN, "action": "open"})
    send({}, "/account/leave")
    answer = send(fields, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert name_in_nav(shopper.get("/")) == "Sign in"


def test_a_name_is_not_tried_for_ever(shopper, send, timer):
    """case T12: sign-in has a limit, for names that exist and names that do not."""
    send({**ANN, "action": "open"})
    send({}, "/account/leave")
    for name in ("Ann", "Nobody"):
        wrong = {"name": name, "password": "another password"}
        headers = {"accept": "application/json"}
        assert [send(wrong, headers=headers).status_code for _ in range(11)] == [403] * 10 + [429]
        refused = send({**ANN, "name": f" {name.upper()} "}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-often")
        assert refused.headers["retry-after"] == "900"
    assert "Try again in 15 minutes" in send(ANN).text
    timer[0] = 900
    send(ANN)
    assert name_in_nav(shopper.get("/")) == "Ann"


def test_a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has(shopper, send, monkeypatch):
    """case T12: or the time would tell which accounts there are. Counted, not timed."""
    salts = []
    monkeypatch.setattr(
        "shop.passwords._scrypt", lambda password, salt: salts.append(salt) or password + salt
    )
    send({**ANN, "action": "open"})
    send({}, "/account/leave")
    for name in ("Ann", "Nobody"):
        send({"name": name, "password": "another password"})
    assert len(salts) == 3


def test_an_edge_without_scrypt_says_so(shopper, send, monkeypatch):
    """Pyodide has no OpenSSL: better a word than a traceback."""
    monkeypatch.delattr("hashlib.scrypt")
    answer = send(ANN, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "needs-edge")


def test_other_requests_go_on_while_a_password_is_judged():
    """case T12: not on the event loop, and so many at once as have room in memory."""
    threads, most = [], []

    def slow(_password, _salt):
        threads.append(threading.get_ident())
        most.append(passwords.AT_ONCE.borrowed_tokens)
        return ""

    async def many():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "_scrypt", slow)
            await asyncio.gather(*(passwords.digest("a password", "00") for _ in range(8)))

    asyncio.run(many())
    assert threading.get_ident() not in threads
    assert (len(most), max(most) <= 2) == (8, True)


def test_password_is_not_stored(shopper, send):
    send({**ANN, "action": "open"})
    assert ANN["password"] not in repr(shopper.origin.records)
    assert not any(subject.startswith(GUEST_PREFIX) for subject, _ in shopper.origin.outcomes)


def test_account_whose_first_answer_was_lost_is_opened_once_and_its_owner_signed_in(shopper, key_of):
    form = {"_key": key_of(shopper.get("/account").text, "/account"), **ANN, "action": "open"}
    guest = dict(shopper.cookies)
    shopper.post("/account", data=form)
    shopper.cookies.clear()
    shopper.cookies.update(guest)  # the cookies of the answer never arrived
    again = shopper.post("/account", data=form, follow_redirects=False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (303, "true")
    assert name_in_nav(shopper.get("/")) == "Ann"
