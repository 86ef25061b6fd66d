"""Shelves, search and product pages."""

from __future__ import annotations

import pytest


def names(page: dict) -> list[str]:
    return [item["name"] for item in page["items"]]


def test_the_first_page_shows_24_teas_in_order_of_name(shopper, catalog):
    page = shopper.json("/")
    assert (page["total"], page["page"], page["pages"]) == (len(catalog), 1, -(-len(catalog) // 24))
    assert len(page["items"]) == 24
    assert names(page) == sorted(names(page), key=str.casefold)
    assert page["previous"] is None
    assert page["next"] == "/?page=2"


def test_following_the_pages_shows_every_tea_once(shopper, catalog):
    seen, url = [], "/"
    while url:
        page = shopper.json(url)
        seen += [item["sku"] for item in page["items"]]
        url = page["next"]
    assert sorted(seen) == sorted(catalog)


@pytest.mark.parametrize("number", ["0", "-1", "99", "two", "", "1e1", "9" * 5000, "٣"])
def test_a_page_that_does_not_exist_is_404(shopper, number):
    assert shopper.get("/", params={"page": number}).status_code == 404


def test_a_kind_filters_and_keeps_the_counts_of_the_others(shopper, catalog):
    page = shopper.json("/?kind=oolong")
    expected = sum(tea["kind"] == "oolong" for tea in catalog.values())
    assert page["total"] == expected
    assert {item["kind"] for item in page["items"]} == {"oolong"}
    assert sum(kind["count"] for kind in page["kinds"]) == len(catalog)
    assert page["next"] == "/?kind=oolong&page=2"


def test_an_unknown_kind_is_an_empty_shelf(shopper):
    answer = shopper.get("/?kind=coffee")
    assert answer.status_code == 200
    assert "No tea found" in answer.text


@pytest.mark.parametrize(
    ("query", "sku"),
    [
        ("hong pao", "da-hong-pao"),
        ("sao miguel", "azores-hysson"),  # São Miguel
        ("GYOKURO", "gyokuro-yame"),
        ("chestnut lake", "longjing"),  # words of the description
        ("yellow junshan", "junshan-yinzhen"),  # kind and name
        ("pu'er menghai", "shou-puer-menghai"),
    ],
)
def test_search_finds_by_name_place_kind_and_taste(shopper, query, sku):
    found = shopper.get("/", params={"q": query}, headers={"accept": "application/json"}).json()
    assert sku in [item["sku"] for item in found["items"]]


def test_search_puts_names_before_descriptions(shopper):
    assert shopper.json("/?q=sencha")["items"][0]["name"].startswith("Sencha")


def test_search_combines_with_kind_and_says_what_it_found(shopper):
    page = shopper.json("/?q=fujian&kind=white")
    assert page["total"] == 4
    assert page["everything"]["url"] == "/?q=fujian"
    assert "4 teas for “fujian”" in shopper.get("/?q=fujian&kind=white").text


def test_a_search_without_result_keeps_what_was_typed(shopper):
    answer = shopper.get("/?q=espresso")
    assert answer.status_code == 200
    assert 'value="espresso"' in answer.text
    assert "No tea found" in answer.text


ATTACK = '"><script>alert(1)</script>'


@pytest.mark.parametrize("path", ["/?q={}", "/?kind={}", "/products/{}", "/orders/{}", "/{}", "/?page={}"])
def test_nothing_from_the_address_becomes_markup(shopper, path):
    text = shopper.get(path.format(ATTACK)).text
    assert "<script>alert" not in text
    assert text.startswith("<!doctype html>")


def test_the_query_is_shown_escaped(shopper):
    text = shopper.get("/", params={"q": ATTACK}).text
    assert "&#34;&gt;&lt;script&gt;alert(1)" in text


def test_a_product_page_shows_the_tea(shopper):
    text = shopper.get("/products/da-hong-pao").text
    for expected in ("<h1>Da Hong Pao</h1>", "Wuyi Mountains, Fujian, China", "€18.90", "€37.80 per 100 g"):
        assert expected in text
    for expected in ("95 °C", "3 min", "charcoal roast"):
        assert expected in text


def test_a_product_as_json_is_the_catalog_item_without_its_initial_stock(shopper, catalog):
    answer = shopper.json("/products/da-hong-pao")
    public = {name: value for name, value in catalog["da-hong-pao"].items() if name != "stock"}
    assert answer["tea"] | public == answer["tea"]
    assert "stock" not in answer["tea"]
    assert answer["quantity"] == 0
    assert {tea["kind"] for tea in answer["related"]} == {"oolong"}


def test_an_unknown_product_is_404(shopper):
    assert shopper.get("/products/instant-coffee").status_code == 404
    problem = shopper.json("/products/instant-coffee")
    assert (problem["status"], problem["code"]) == (404, "not-found")


def test_the_tea_of_the_day_changes_at_midnight(shopper):
    noon = shopper.json("/")["today"]
    shopper.now += 6 * 3600
    assert shopper.json("/")["today"] == noon
    shopper.now += 24 * 3600
    assert shopper.json("/")["today"] != noon


def test_browsing_needs_no_records(shopper):
    for path in ("/", "/products/rooibos", "/cart"):
        shopper.get(path)
    shopper.origin.available = False
    for path in ("/", "/products/rooibos", "/cart"):
        assert shopper.get(path).status_code == 200
