"""Every page is a complete, accessible document that a strict content security policy lets through."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
import shop

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
STATIC = Path(shop.__file__).parent / "static"


class Document(HTMLParser):
    """Collects the elements of a page; raises AssertionError on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts = 0
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        assert not (self.open and self.open[-1] in ("script", "style") and data.strip())

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.elements if tag in tags]


def bad_quantity(shopper):
    return shopper.put_in_cart("rooibos", "lots")


def out_of_stock(shopper):
    shopper.put_in_cart("da-yu-ling", 9)
    return shopper.post("/orders")


def full_cart(shopper):
    shopper.put_in_cart("da-hong-pao", 2)
    return shopper.put_in_cart("rooibos", 2)


def after_order(path):
    def visit(shopper):
        shopper.put_in_cart("rooibos")
        receipt = shopper.post("/orders")
        return shopper.get(path) if path else receipt

    return visit


PAGES = {
    "home": lambda shopper: shopper.get("/"),
    "search": lambda shopper: shopper.get("/?q=jasmine&kind=blend"),
    "no result": lambda shopper: shopper.get("/?q=espresso"),
    "last page": lambda shopper: shopper.get("/?page=8"),
    "product": lambda shopper: shopper.get("/products/earl-grey"),
    "bad quantity": bad_quantity,
    "unknown tea": lambda shopper: shopper.put_in_cart("coffee"),
    "empty cart": lambda shopper: shopper.get("/cart"),
    "full cart": full_cart,
    "out of stock": out_of_stock,
    "no orders": lambda shopper: shopper.get("/orders"),
    "order": after_order(None),
    "orders": after_order("/orders"),
    "not found": lambda shopper: shopper.get("/nowhere"),
    "wrong method": lambda shopper: shopper.put("/cart"),
}


@pytest.fixture(params=PAGES.values(), ids=PAGES)
def page(request, shopper) -> Document:
    answer = request.param(shopper)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    return Document(answer.text)


def test_the_head_is_complete(page):
    assert page.all("html") == [{"lang": "en"}]
    names = {
        meta.get("name", "charset"): meta.get("content", meta.get("charset")) for meta in page.all("meta")
    }
    assert names["charset"] == "utf-8"
    assert names["viewport"] == "width=device-width, initial-scale=1"
    assert names["color-scheme"] == "light dark"
    assert len(page.all("title")) >= 1
    assert {link["rel"] for link in page.all("link")} == {"icon", "stylesheet"}


def test_landmarks_headings_and_skip_link(page):
    counts = Counter(tag for tag, _ in page.elements)
    assert counts["h1"] == counts["main"] == counts["header"] == counts["footer"] == 1
    assert page.all("a")[0]["href"] == "#main"
    assert page.all("main")[0]["id"] == "main"
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
    navigations = [nav["aria-label"] for nav in page.all("nav")]
    assert len(navigations) == len(set(navigations))


def test_ids_are_unique_and_references_lead_somewhere(page):
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert max(ids.values()) == 1
    for _, attrs in page.elements:
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert name not in attrs or attrs[name] in ids
        if "href" in attrs and attrs["href"].startswith("#"):
            assert attrs["href"][1:] in ids


def test_every_field_has_a_label(page):
    labelled = {label.get("for") for label in page.all("label")}
    for field in page.all("input"):
        assert field.get("type") == "hidden" or field.get("id") in labelled


def test_forms_that_post_carry_a_key_of_their_own(page):
    posting = [form for form in page.all("form") if form.get("method") == "post"]
    keys = [field["value"] for field in page.all("input") if field.get("name") == "_key"]
    assert len(keys) == len(set(keys)) == len(posting)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(page):
    assert page.all("style") == []
    assert page.all("script") == [{"type": "module", "src": "/_edge/strip.js"}]
    for _, attrs in page.elements:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        for name in ("href", "src", "action"):
            assert attrs.get(name, "/").startswith(("/", "#"))
            assert not attrs.get(name, "/").startswith("//")


def test_pictures_are_hidden_from_assistive_technology(page):
    assert all(svg.get("aria-hidden") == "true" for svg in page.all("svg"))


def test_linked_static_files_exist(page):
    for link in page.all("link"):
        assert (STATIC / link["href"].removeprefix("/static/")).is_file()


def test_answers_depend_on_accept_and_are_not_kept(shopper):
    page = shopper.get("/")
    assert page.headers["vary"].split(", ")[0] == "accept"  # the kit names more, for its script
    assert page.headers["cache-control"] == "private, no-store"
    assert shopper.get("/", headers={"accept": "application/json"}).headers["vary"] == "accept"


def test_a_wrong_method_says_which_are_right(shopper):
    answer = shopper.delete("/cart", headers={"accept": "application/json"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["code"] == "method-not-allowed"
