"""The pure parts: money, negotiation, search, pictures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop.art import CUP, HEIGHT, LEAVES, WIDTH, picture
from shop.negotiation import prefers_json
from shop.prices import FREE_SHIPPING_FROM, SHIPPING, money, per_100_grams, shipping, totals
from shop.search import fold


@pytest.mark.parametrize(
    ("subtotal", "fee"),
    [(0, 0), (1, SHIPPING), (FREE_SHIPPING_FROM - 1, SHIPPING), (FREE_SHIPPING_FROM, 0), (10**9, 0)],
)
def test_shipping(subtotal, fee):
    assert shipping(subtotal) == fee


@given(st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 99)), max_size=30))
def test_totals_add_up(bought):
    sums = totals({"price": price, "quantity": quantity} for price, quantity in bought)
    assert sums["subtotal"] == sum(price * quantity for price, quantity in bought)
    assert sums["total"] == sums["subtotal"] + sums["shipping"]
    assert sums["count"] == sum(quantity for _, quantity in bought)


@pytest.mark.parametrize(
    ("price", "grams", "expected"), [(1890, 50, 3780), (590, 250, 236), (100, 30, 333), (1, 200, 1)]
)
def test_price_per_100_grams(price, grams, expected):
    assert per_100_grams(price, grams) == expected


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "€0.00"), (5, "€0.05"), (490, "€4.90"), (123_456_789, "€1,234,567.89")]
)
def test_money(cents, text):
    assert money(cents) == text


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.9", True),
        ("text/html;q=0.2, application/json;q=0.3", True),
        ("application/*, text/*;q=0.5", True),
        ("*/*;q=0.1, text/html;q=0", True),
        ("application/json;q=0", False),
        ("application/json;q=nonsense, */*;q=0.1", False),
        (", ,;q=1,", False),
    ],
)
def test_negotiation(accept, expected):
    assert prefers_json(accept) is expected


@given(st.text(max_size=200))
def test_any_accept_field_is_understood_somehow(accept):
    assert prefers_json(accept) in (True, False)


def test_search_ignores_case_and_accents():
    assert fold("São Miguel, DRÔME") == "sao miguel, drome"


def test_a_picture_is_always_the_same_one():
    assert picture("rooibos") == picture("rooibos")
    assert picture("rooibos") != picture("honeybush")


def test_leaves_touch_neither_the_cup_nor_the_frame(catalog):
    for sku in catalog:
        x, y, leaves, others = picture(sku)
        leaves = leaves + others
        assert len(leaves) >= LEAVES - 3, sku
        for leaf in leaves:
            assert math.hypot(leaf.x - x, leaf.y - y) > CUP + 17
            assert 17 < leaf.x < WIDTH - 17
            assert 17 < leaf.y < HEIGHT - 17
