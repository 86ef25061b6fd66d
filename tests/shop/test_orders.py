"""From the cart to an order, and what is left on the shelf."""

from __future__ import annotations

import json
import re

import pytest

ORDER_BUTTON = re.compile(r'<button class="button wide"( disabled|)[^>]*>Place the order</button>')
JSON = {"accept": "application/json"}


def order(shopper, **more):
    return shopper.post("/orders", headers=JSON, **more)


def test_a_whole_purchase(shopper, key_of):
    shopper.put_in_cart("da-hong-pao", 3)
    shopper.put_in_cart("rooibos", 1)
    key = key_of(shopper.get("/cart").text, "/orders")
    answer = shopper.post("/orders", data={"_key": key}, follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert place.startswith("/orders/")

    text = shopper.get(place).text
    for expected in ("Da Hong Pao", "Rooibos", "€56.70", "€62.60", "1 January 2026, 00:00 UTC"):
        assert expected in text
    assert shopper.json("/cart")["lines"] == []
    assert f'href="{place}"' in shopper.get("/orders").text
    assert shopper.left("da-hong-pao") == 16 - 3
    assert shopper.left("rooibos") == 58 - 1
    assert shopper.left("hojicha") == 44


def test_an_order_as_json(shopper):
    shopper.put_in_cart("rooibos", 2)
    made = order(shopper)
    assert made.status_code == 201
    placed = made.json()
    assert made.headers["location"] == placed["url"] == f"/orders/{placed['id']}"
    assert (placed["subtotal"], placed["shipping"], placed["total"]) == (1180, 490, 1670)
    assert placed["placed_at"] == shopper.now
    assert shopper.json(placed["url"]) == placed
    assert shopper.json("/orders") == {"orders": [placed], "next": None}


def test_nothing_the_client_sends_changes_the_price(shopper):
    shopper.put_in_cart("da-yu-ling")
    made = shopper.post("/orders", json={"total": 1, "lines": []}, headers=JSON)
    assert made.json()["subtotal"] == 3990


def test_the_price_is_the_one_of_the_day(shopper):
    shopper.put_in_cart("rooibos")
    first = order(shopper).json()
    products = dict(shopper.origin.catalog["products"])
    products["rooibos"] = products["rooibos"] | {"price": 9900}
    shopper.origin.catalog["products"] = products
    shopper.now += 120  # past the catalog's freshness
    shopper.put_in_cart("rooibos")
    assert order(shopper).json()["subtotal"] == 9900
    assert shopper.json(first["url"])["subtotal"] == 590


def test_stock_goes_down_with_every_order_and_never_below_zero(shopper):
    for expected in (2, 1, 0):
        shopper.put_in_cart("da-yu-ling")
        assert order(shopper).status_code == 201
        assert shopper.left("da-yu-ling") == expected
    shopper.put_in_cart("da-yu-ling")
    refused = order(shopper)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert "sold out" in refused.json()["detail"]
    assert shopper.left("da-yu-ling") == 0


def test_out_of_stock_says_which_tea_and_how_many_and_loses_nothing(shopper):
    shopper.put_in_cart("rooibos", 2)
    shopper.put_in_cart("da-yu-ling", 5)
    before = shopper.json("/cart")
    problem = order(shopper).json()
    assert problem["code"] == "out-of-stock"
    assert problem["short"] == [
        {"sku": "da-yu-ling", "name": "Da Yu Ling High Mountain", "wanted": 5, "left": 3}
    ]
    page = shopper.post("/orders")
    assert page.status_code == 409
    for expected in ('role="alert"', "Only 3 left", "Da Yu Ling High Mountain: only 3 left"):
        assert expected in page.text
    assert shopper.json("/cart") == before
    assert shopper.left("rooibos") == 58
    assert shopper.json("/orders")["orders"] == []


def test_after_out_of_stock_the_corrected_cart_can_be_ordered(shopper, key_of):
    shopper.put_in_cart("da-yu-ling", 5)
    first = shopper.post("/orders", data={"_key": key_of(shopper.get("/cart").text, "/orders")})
    assert first.status_code == 409
    shopper.put_in_cart("da-yu-ling", 3)
    again = shopper.post("/orders", data={"_key": key_of(first.text, "/orders")}, follow_redirects=False)
    assert again.status_code == 303


def test_stock_is_shared(shopper):
    shopper.put_in_cart("da-yu-ling", 2)
    assert order(shopper).status_code == 201
    shopper.somebody_else()
    shopper.put_in_cart("da-yu-ling", 2)
    assert order(shopper).json()["short"][0]["left"] == 1


def test_an_empty_cart_is_no_order(shopper):
    refused = order(shopper)
    assert (refused.status_code, refused.json()["code"]) == (409, "cart-empty")
    page = shopper.post("/orders")
    assert page.status_code == 409
    assert "Choose a tea first" in page.text


def test_sending_the_same_form_twice_makes_one_order(shopper, key_of):
    shopper.put_in_cart("da-yu-ling", 1)
    form = {"_key": key_of(shopper.get("/cart").text, "/orders")}
    first = shopper.post("/orders", data=form, follow_redirects=False)
    second = shopper.post("/orders", data=form, follow_redirects=False)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert len(shopper.json("/orders")["orders"]) == 1
    assert shopper.left("da-yu-ling") == 2


def test_a_double_click_that_lost_the_first_answer_makes_one_order(shopper, key_of):
    shopper.put_in_cart("da-yu-ling", 1)
    form = {"_key": key_of(shopper.get("/cart").text, "/orders")}
    before = dict(shopper.cookies)
    first = shopper.post("/orders", data=form, follow_redirects=False)
    shopper.cookies.clear()
    shopper.cookies.update(before)  # as if the answer had never arrived
    second = shopper.post("/orders", data=form, follow_redirects=False)
    assert first.headers["location"] == second.headers["location"]
    assert shopper.left("da-yu-ling") == 2
    assert shopper.json("/cart")["lines"] == []


def test_the_same_key_of_three_people_gives_three_order_numbers(shopper):
    """case T1: whoever sends the key of another must not get the number of their order."""
    key, made = {"idempotency-key": "k" * 20}, []
    for _ in range(3):
        shopper.put_in_cart("rooibos")
        made.append(shopper.post("/orders", headers=JSON | key).json()["id"])
        assert shopper.post("/orders", headers=JSON | key).json()["id"] == made[-1]
        shopper.somebody_else()
    assert len(set(made)) == 3


def test_somebody_elses_order_is_404(shopper):
    shopper.put_in_cart("rooibos")
    url = order(shopper).json()["url"]
    assert shopper.get(url).status_code == 200
    shopper.somebody_else()
    assert shopper.get(url).status_code == 404
    assert shopper.json(url)["code"] == "not-found"
    assert shopper.json("/orders")["orders"] == []


def test_order_numbers_that_cannot_be_are_404(shopper):
    for name in ("nope", "a b", "x" * 200, "ä"):
        assert shopper.get(f"/orders/{name}").status_code == 404


def test_orders_are_listed_newest_first(shopper):
    placed = []
    for _ in range(5):
        shopper.put_in_cart("rooibos")
        placed.append(order(shopper).json()["id"])
        shopper.now += 60
    assert [made["id"] for made in shopper.json("/orders")["orders"]] == placed[::-1]


def test_a_long_list_of_orders_goes_on(shopper):
    for _ in range(51):
        shopper.put_in_cart("rooibos")
        order(shopper)
    first = shopper.json("/orders")
    rest = shopper.json(first["next"])
    assert (len(first["orders"]), len(rest["orders"]), rest["next"]) == (50, 1, None)
    assert "More orders" in shopper.get("/orders").text


def test_a_list_that_goes_on_from_nowhere_is_404(shopper):
    assert shopper.get("/orders?after=a%20b").status_code == 404


def test_without_the_origin_there_is_no_order_and_the_cart_stays(shopper):
    shopper.put_in_cart("rooibos")
    shopper.origin.available = False
    assert order(shopper).status_code == 503
    shopper.origin.available = True
    assert shopper.json("/cart")["count"] == 1
    assert order(shopper).status_code == 201


def test_more_than_a_page_of_orders_is_newest_first_throughout(shopper):  # case N13
    placed = []
    for _ in range(53):
        shopper.put_in_cart("rooibos")
        placed.append(order(shopper).json()["id"])
        shopper.now += 1
    first = shopper.json("/orders")
    rest = shopper.json(first["next"])
    assert [made["id"] for made in first["orders"] + rest["orders"]] == placed[::-1]


def test_orders_do_not_read_the_stock_so_buyers_never_collide(shopper):  # case C1
    sent = []
    fetch = shopper.origin.fetch

    async def watched(method, target, headers, body):
        sent.append((method, target, json.loads(body) if body else None))
        return await fetch(method, target, headers, body)

    shopper.origin.fetch = watched
    shopper.app.host.origin._fetch = watched
    shopper.put_in_cart("da-yu-ling")
    assert order(shopper).status_code == 201
    [commit] = [body for method, target, body in sent if target == "/commit"]
    assert commit["reads"] == []
    assert commit["increments"] == [["shared", "stock", "da-yu-ling", "change", -1, -3]]


def test_what_is_left_stands_on_the_page_of_the_tea(shopper):  # case C3
    assert "58 packs left" in shopper.get("/products/rooibos").text
    assert "Only 3 left" in shopper.get("/products/da-yu-ling").text
    shopper.put_in_cart("da-yu-ling", 3)
    assert order(shopper).status_code == 201
    page = shopper.get("/products/da-yu-ling").text
    assert "Sold out" in page
    assert "Add to cart" not in page
    assert shopper.json("/products/da-yu-ling")["left"] == 0


def test_the_cart_says_what_is_sold_out_before_anything_is_ordered(shopper):  # case C3
    shopper.put_in_cart("rooibos", 1)
    shopper.put_in_cart("da-yu-ling", 3)
    cart = shopper.get("/cart").text
    assert ORDER_BUTTON.search(cart)[1] == ""
    buyers = dict(shopper.cookies)
    shopper.somebody_else()
    shopper.put_in_cart("da-yu-ling", 2)
    assert order(shopper).status_code == 201
    shopper.cookies.clear()
    shopper.cookies.update(buyers)
    cart = shopper.get("/cart").text
    assert "Only 1 left" in cart
    assert "Da Yu Ling High Mountain: only 1 left, and you asked for 3." in cart
    assert ORDER_BUTTON.search(cart)[1] == " disabled"
    shopper.put_in_cart("da-yu-ling", 1)
    assert ORDER_BUTTON.search(shopper.get("/cart").text)[1] == ""
    assert order(shopper).status_code == 201


@pytest.mark.parametrize("path", ["/products/da-yu-ling", "/cart"])
def test_pages_do_without_the_stock_while_nobody_can_tell(shopper, path):  # case C3
    shopper.put_in_cart("da-yu-ling", 1)
    shopper.get(path)
    shopper.origin.available = False
    page = shopper.get(path)
    assert page.status_code == 200
    assert not re.search(r"\d+ left|Sold out", page.text)
