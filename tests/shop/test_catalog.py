"""The published catalog is complete, and everything it names can be drawn."""

from __future__ import annotations

import re
from pathlib import Path

import shop
from shop.kinds import KINDS

SHOP = Path(shop.__file__).parent


def test_the_shop_has_a_real_choice(catalog):
    assert len(catalog) >= 120
    assert {tea["kind"] for tea in catalog.values()} == set(KINDS)
    assert len({tea["origin"]["country"] for tea in catalog.values()}) >= 25


def test_every_tea_is_complete_and_plausible(catalog):
    for sku, tea in catalog.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", sku)
        assert set(tea) - {"look"} == {
            "name", "kind", "origin", "description", "price", "grams", "stock", "steep",
        }, sku  # fmt: skip
        assert set(tea["origin"]) == {"country", "region"}, sku
        assert 10 <= len(tea["description"]) <= 160, sku
        assert tea["description"].endswith("."), sku
        assert 100 <= tea["price"] <= 10_000, sku
        assert 25 <= tea["grams"] <= 250, sku
        assert 1 <= tea["stock"] <= 99, sku
        assert 60 <= tea["steep"]["temperature"] <= 100, sku
        assert 1 <= tea["steep"]["minutes"] <= 10, sku


def test_names_and_descriptions_are_each_teas_own(catalog):
    for field in ("name", "description"):
        assert len({tea[field] for tea in catalog.values()}) == len(catalog)


def test_every_look_is_drawn(catalog):
    drawings = (SHOP / "templates/drawings.html").read_text("utf-8")
    css = (SHOP / "static/tea.css").read_text("utf-8")
    looks = [tea["look"] for tea in catalog.values() if "look" in tea]
    for look in [*looks, *(kind.look for kind in KINDS.values())]:
        assert f".cup-{look['cup']} {{" in css
        assert f".tone-{look['tone']} {{" in css
        assert 1 <= len(look["leaf"]) <= 2
        for leaf in look["leaf"]:
            assert f'<g id="{leaf}">' in drawings
    for name, kind in KINDS.items():
        assert f".kind-{name} {{" in css
        assert f".cup-{kind.cup} {{" in css
