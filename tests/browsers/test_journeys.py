"""The tea shop in Firefox and WebKit: who answers what, and what is left when something is missing."""

from __future__ import annotations

import re

import pytest

from .line import Line
from .webkit import NO_NETWORK


@pytest.fixture(scope="module")
def visitor(browsers, engine, shop):
    """Shared by the tests of one engine, like a user who stays: none relies on what another left."""
    with browsers.visitor(engine, shop.url) as visitor:
        yield visitor


def test_the_edge_answers_first_and_the_browser_takes_over(visitor):
    assert visitor.first == "native"
    before = len(visitor.line.requests("GET / "))
    assert visitor.browser.visit(visitor.url) == "browser"
    assert len(visitor.line.requests("GET / ")) == before


def test_a_purchase_has_its_pages_from_the_browser_and_its_writes_from_the_edge(visitor):
    browser, line, url, _ = visitor
    before = [line.requests("POST"), line.requests("GET /products"), line.requests("GET /orders/")]
    hosts = [browser.visit(f"{url}/products/sencha-uji")]
    for label in ("Add to cart", "Place the order"):
        browser.press(label)
        hosts.append(browser.answered())
    assert hosts == ["browser"] * 3
    assert re.fullmatch(rf"{url}/orders/[0-9a-z]+", browser.run("return location.href"))
    assert "Sencha" in browser.text()
    after = [line.requests("POST"), line.requests("GET /products"), line.requests("GET /orders/")]
    assert [len(now) - len(then) for now, then in zip(after, before, strict=True)] == [2, 0, 0]
    browser.goto(f"{url}/cart")
    assert "Sencha" not in browser.text()


@pytest.mark.console_errors(NO_NETWORK)
def test_offline_catalog_and_cart_stay_readable(visitor):
    browser, line, url, _ = visitor
    browser.goto(f"{url}/products/assam-ctc")
    browser.press("Add to cart")
    line.cut()
    browser.reload()
    assert browser.answered() == "browser"
    assert "Assam" in browser.text()
    assert browser.visit(url) == "browser"
    assert browser.run("return document.querySelectorAll('main a').length") > 20
    line.mend()


@pytest.mark.console_errors(NO_NETWORK)
def test_offline_the_cart_goes_on_and_what_only_the_edge_can_do_says_so(visitor):
    browser, line, url, _ = visitor
    browser.goto(f"{url}/products/shincha-chiran")
    line.cut()
    browser.press("Add to cart")
    assert "Shincha" in browser.text()
    browser.press("Place the order")
    assert browser.run("return document.title") == "Not sent · Third Steep"
    assert browser.run("return document.styleSheets[0].cssRules.length") > 0
    assert browser.answered() == "browser"
    line.mend()
    browser.goto(f"{url}/cart")
    browser.press("Place the order")
    assert "Shincha" in browser.text()
    assert "/orders/" in browser.run("return location.href")


@pytest.mark.console_errors(NO_NETWORK)
def test_after_a_restart_of_the_browser_the_shop_opens_without_network(visitor):
    browser, line, url, _ = visitor
    browser.goto("about:blank")
    line.cut()
    browser.restart()
    assert browser.visit(f"{url}/products/sencha-uji") == "browser"
    assert "Sencha" in browser.text()
    line.mend()


def test_a_form_on_another_origin_is_refused_although_it_comes_through_the_worker(visitor, shop):
    browser, _, url, _ = visitor
    product = f"{url}/products/longjing"
    browser.goto(url)
    with Line(shop.url) as other:  # another port is another origin of the same site: cookies are sent
        browser.goto(f"{other.url}/static/shop.css")
        browser.submit(f"{url}/cart", sku="longjing", quantity="7")
        assert "a page of another site sent this" in browser.run("return document.body.innerText")
    browser.goto(product)
    browser.press("Add to cart")  # it would say "Change the cart"


def test_a_worker_that_was_stopped_is_back_at_the_next_page(visitor):
    browser, _, url, _ = visitor
    browser.goto(url)
    browser.stop_workers()
    browser.take_over(f"{url}/products/sencha-uji")
    assert "Sencha" in browser.text()
    assert browser.visit(f"{url}/products/assam-ctc") == "browser"


@pytest.mark.parametrize("mode", ["blocked", "private"])
def test_everything_works_with_service_workers_blocked_and_in_private_mode(mode, browsers, engine, shop):
    with browsers.open(engine, private=mode == "private", workers=mode != "blocked") as browser:
        browser.goto(f"{shop.url}/products/longjing")
        if mode == "blocked":
            browser.wait("globalThis.edgekit?.state.phase === 'failed'")
        for label in ("Add to cart", "Place the order"):
            browser.press(label)
        assert "/orders/" in browser.run("return location.href")
        if mode == "blocked":
            assert browser.answered() == "native"
        else:
            assert browser.take_over(shop.url)
            assert browser.visit(shop.url) == "browser"
