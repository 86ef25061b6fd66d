"""Filling and changing the cart."""

from __future__ import annotations

import pytest

JSON = {"accept": "application/json"}


def test_a_form_puts_tea_into_the_cart_and_leads_there(shopper):
    answer = shopper.post("/cart", data={"sku": "rooibos", "quantity": "2"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    text = shopper.get("/cart").text
    assert "Rooibos" in text
    assert "€11.80" in text


def test_json_in_json_out(shopper):
    answer = shopper.post("/cart", json={"sku": "rooibos", "quantity": 2}, headers=JSON)
    assert answer.status_code == 200
    cart = answer.json()
    assert [(line["sku"], line["quantity"], line["line_total"]) for line in cart["lines"]] == [
        ("rooibos", 2, 1180)
    ]
    assert (cart["count"], cart["subtotal"], cart["shipping"], cart["total"]) == (2, 1180, 490, 1670)
    assert cart["currency"] == "EUR"
    assert shopper.json("/cart") == cart


def test_quantity_replaces_what_was_there(shopper):
    shopper.put_in_cart("rooibos", 2)
    shopper.put_in_cart("rooibos", 5)
    assert shopper.json("/cart")["count"] == 5


def test_quantity_0_removes(shopper):
    shopper.put_in_cart("rooibos", 2)
    shopper.put_in_cart("hojicha", 1)
    shopper.put_in_cart("rooibos", 0)
    assert [line["sku"] for line in shopper.json("/cart")["lines"]] == ["hojicha"]


def test_removing_what_is_not_there_changes_nothing(shopper):
    assert shopper.put_in_cart("rooibos", 0).status_code == 200
    assert shopper.json("/cart")["lines"] == []


def test_the_price_comes_from_the_catalog(shopper):
    shopper.post("/cart", data={"sku": "da-yu-ling", "quantity": "1", "price": "1", "line_total": "1"})
    assert shopper.json("/cart")["subtotal"] == 3990


@pytest.mark.parametrize("quantity", ["-1", "1.5", "two", "", "100", "9" * 5000, "٣", "1e1"])
def test_a_bad_quantity_in_a_form_is_refused_and_kept(shopper, quantity):
    answer = shopper.put_in_cart("rooibos", quantity)
    assert answer.status_code == 422
    assert "<h1>Rooibos</h1>" in answer.text
    assert 'role="alert"' in answer.text
    if quantity:
        assert f'value="{quantity[:20]}"' in answer.text
    assert shopper.json("/cart")["lines"] == []


@pytest.mark.parametrize("quantity", [-1, 1.5, True, None, [1], {"n": 1}, 100, 10**30])
def test_a_bad_quantity_in_json_is_a_problem(shopper, quantity):
    answer = shopper.post("/cart", json={"sku": "rooibos", "quantity": quantity}, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("bad-quantity", 422)
    assert problem["type"] == "urn:problem-type:shop:bad-quantity"


def test_a_missing_quantity_is_a_problem(shopper):
    assert shopper.post("/cart", data={"sku": "rooibos"}).status_code == 422


def test_an_unknown_tea_is_refused_and_can_be_searched_for(shopper):
    answer = shopper.put_in_cart("instant-coffee")
    assert answer.status_code == 422
    assert 'href="/?q=instant-coffee"' in answer.text
    assert 'value="instant-coffee"' in answer.text


@pytest.mark.parametrize("body", [{}, {"sku": ""}, {"sku": 7}, {"sku": None}, {"sku": ["rooibos"]}])
def test_a_request_without_a_tea_is_a_problem(shopper, body):
    answer = shopper.post("/cart", json=body | {"quantity": 1}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-tea")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1]", b"7", b"null", b"", b"[" * 100_000])
def test_json_that_is_no_object_is_unreadable(shopper, body):
    answer = shopper.post("/cart", content=body, headers=JSON | {"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_is_not_a_tea(shopper):
    answer = shopper.post("/cart", files={"sku": ("x.txt", b"rooibos")}, data={"quantity": "1"}, headers=JSON)
    assert answer.status_code == 400


def test_a_cart_holds_30_teas(shopper, catalog):
    skus = list(catalog)[:31]
    for sku in skus[:30]:
        shopper.put_in_cart(sku)
    answer = shopper.put_in_cart(skus[30], 3)
    assert answer.status_code == 409
    assert "Take one out" in answer.text
    assert 'value="3"' in answer.text
    assert len(shopper.json("/cart")["lines"]) == 30
    assert shopper.put_in_cart(skus[0], 2).status_code == 200


def test_a_full_cart_still_fits_into_the_state(shopper, catalog):
    for sku in sorted(catalog, key=len)[-30:]:
        assert shopper.put_in_cart(sku, 99).status_code == 200
    assert shopper.json("/cart")["count"] == 30 * 99


def test_a_tea_that_is_no_longer_sold_is_named_and_can_be_taken_out(shopper):
    shopper.put_in_cart("rooibos")
    shopper.put_in_cart("hojicha")
    products = dict(shopper.origin.catalog["products"])
    del products["rooibos"]
    shopper.origin.catalog["products"] = products
    shopper.now += 120  # past the catalog's freshness
    cart = shopper.json("/cart")
    assert [line["sku"] for line in cart["lines"]] == ["hojicha"]
    assert cart["gone"] == ["rooibos"]
    assert "No longer sold" in shopper.get("/cart").text
    assert shopper.put_in_cart("rooibos", 0).status_code == 200
    assert shopper.json("/cart")["gone"] == []


def test_cards_offer_one_more_than_the_cart_holds(shopper):
    shopper.put_in_cart("alishan", 2)
    text = shopper.get("/").text
    assert 'name="quantity" value="3" aria-label="Add Alishan High Mountain to the cart"' in text
    assert "2 in cart" in text


def test_free_shipping_is_announced(shopper):
    shopper.put_in_cart("rooibos", 1)
    assert "€43.10 more and shipping is free" in shopper.get("/cart").text


def test_carts_are_personal(shopper):
    shopper.put_in_cart("rooibos")
    shopper.somebody_else()
    assert shopper.json("/cart")["lines"] == []
