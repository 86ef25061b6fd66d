"""The tea shop in a real Chromium: who answers what, and what is left when something is missing."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from ..visit import host_of, stop_worker, take_over

STARTED = """async () => {
  const phase = async () => (await (await fetch("/_edge/browser")).json()).state.phase;
  while ((await phase()) !== "ready") await new Promise((resolve) => setTimeout(resolve, 100));
}"""


@pytest.fixture
def context(chromium):
    return chromium.new_context()


@pytest.fixture
def page(context):
    return context.new_page()


@pytest.fixture(scope="module")
def url(shop):
    return shop.url


def buy(page, url, sku="sencha-uji"):
    """A whole purchase by clicks; returns the hosts of the pages on the way."""
    hosts = [host_of(page.goto(f"{url}/products/{sku}"))]
    for button in ("Add to cart", "Place the order"):
        with page.expect_navigation() as navigation:
            page.get_by_role("button", name=button, exact=True).click()
        hosts.append(host_of(navigation.value))
    return hosts


def test_the_edge_answers_first_and_the_browser_takes_over(page, url):
    assert host_of(take_over(page, url)) == "native"
    second = page.goto(url)
    assert host_of(second) == "browser"
    assert second.from_service_worker
    assert re.match(r'edgekit;desc="browser";dur=[\d.]+', second.headers["server-timing"])


def test_a_purchase_has_its_pages_and_its_cart_from_the_browser_and_its_order_from_the_edge(page, url):
    take_over(page, url)
    written = []
    page.on("response", lambda r: written.append(r) if r.request.method == "POST" else None)
    assert buy(page, url) == ["browser", "browser", "browser"]
    assert re.fullmatch(rf"{url}/orders/[0-9a-z]+", page.url)
    hosts = [(urlsplit(r.url).path, host_of(r)) for r in written]
    assert hosts == [("/cart", "browser"), ("/orders", "native")]
    order = page.url
    page.goto(f"{url}/cart")
    assert "sencha" not in page.get_by_role("main").inner_text().lower()
    page.go_back()
    assert page.url == order
    assert page.get_by_role("main").inner_text().count("Sencha") >= 1


def test_offline_reload_still_shows_catalog_and_cart(page, url, context):
    take_over(page, url)
    page.goto(f"{url}/products/sencha-uji")
    with page.expect_navigation():
        page.get_by_role("button", name="Add to cart", exact=True).click()
    context.set_offline(True)
    assert host_of(page.reload()) == "browser"
    assert "Sencha" in page.get_by_role("main").inner_text()
    catalog = page.goto(url)
    assert host_of(catalog) == "browser"
    assert page.get_by_role("main").get_by_role("link").count() > 20
    context.set_offline(False)


def test_pages_name_static_files_by_content_and_have_them_without_a_network(page, url, context):
    links = """() => [...document.querySelectorAll("link")].map((link) => link.getAttribute("href"))"""
    take_over(page, url)
    of_the_edge = page.evaluate(links)
    assert all(re.fullmatch(r"/_edge/static/[0-9a-f]{16}/[\w.]+", href) for href in of_the_edge)
    page.goto(url)
    context.set_offline(True)
    assert host_of(page.reload()) == "browser"
    assert page.evaluate(links) == of_the_edge
    assert page.evaluate("() => [...document.styleSheets].map((sheet) => sheet.cssRules.length > 0)") == [
        True,
        True,
    ]
    context.set_offline(False)


@pytest.mark.console_errors("503|ERR_|Failed to fetch")  # Chromium itself reports what fails
def test_offline_the_cart_goes_on_and_what_only_the_edge_can_do_says_so(page, url, context):
    take_over(page, url)
    page.goto(f"{url}/products/sencha-uji")
    context.set_offline(True)
    for button, status in (("Add to cart", 200), ("Place the order", 503)):
        with page.expect_navigation() as navigation:
            page.get_by_role("button", name=button, exact=True).click()
        assert (navigation.value.status, host_of(navigation.value)) == (status, "browser")
    assert page.get_by_role("heading", name="Your order was not placed").count() == 1
    context.set_offline(False)
    page.goto(f"{url}/cart")
    with page.expect_navigation():
        page.get_by_role("button", name="Place the order", exact=True).click()
    assert "/orders/" in page.url


def test_without_javascript_the_edge_serves_the_same(chromium, url):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    assert buy(page, url, "assam-ctc") == ["native", "native", "native"]
    assert "/orders/" in page.url
    context.close()


def test_with_service_workers_blocked_the_edge_serves_the_same(chromium, url):
    context = chromium.new_context(service_workers="block")
    page = context.new_page()
    assert buy(page, url, "assam-ctc") == ["native", "native", "native"]
    page.wait_for_function("() => globalThis.edgekit?.state.phase === 'failed'")
    context.close()


def test_a_reload_around_the_service_worker_keeps_the_cart_in_step(page, url, context):
    take_over(page, url)
    # A form sent past the service worker: the edge changes the view, the worker is not told.
    fresh = context.new_page()
    fresh.goto(f"{url}/cart")
    own = {"idempotency-key": "around-the-service-worker"}
    fresh.request.post(f"{url}/cart", form={"sku": "sencha-uji", "quantity": "3"}, headers=own)
    devtools = context.new_cdp_session(page)
    devtools.send("Page.reload", {"ignoreCache": True})
    page.wait_for_load_state("load")
    page.wait_for_timeout(500)
    page.goto(f"{url}/cart")
    assert "Sencha" in page.get_by_role("main").inner_text()


def test_two_clicks_make_one_order(page, url):
    take_over(page, url)
    page.goto(f"{url}/products/sencha-uji")
    with page.expect_navigation():
        page.get_by_role("button", name="Add to cart", exact=True).click()
    before = page.request.get(f"{url}/orders", headers={"accept": "application/json"}).json()
    with page.expect_navigation():
        page.get_by_role("button", name="Place the order", exact=True).dblclick(no_wait_after=True)
    page.wait_for_url("**/orders/*")
    after = page.request.get(f"{url}/orders", headers={"accept": "application/json"}).json()
    assert len(after["orders"]) == len(before["orders"]) + 1


@pytest.mark.console_errors("ERR_|Failed to|MIME|Uncaught|SecurityError|script")
def test_a_portal_that_answers_everything_takes_nothing_away(page, url, proxy_to):
    """case P8: two loads behind it, each with a worker that was stopped, and one without any network."""
    link = proxy_to(url)
    take_over(page, link.url)
    assert host_of(page.goto(link.url)) == "browser"
    names = page.locator("main h2, main h3, main a").all_inner_texts()
    assert len(names) > 20
    link.portal()
    for _ in range(2):
        stop_worker(page)
        page.goto(link.url)
        page.evaluate(STARTED)
        assert host_of(page.goto(link.url)) == "browser"
        assert page.locator("main h2, main h3, main a").all_inner_texts() == names
    link.cut()
    stop_worker(page)
    answer = page.goto(link.url)
    assert (answer.status, host_of(answer)) == (200, "browser")
    assert page.locator("main h2, main h3, main a").all_inner_texts() == names
