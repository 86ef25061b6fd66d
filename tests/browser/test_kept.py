"""Writes without a network, as people see them: what is kept, what is not, and lists that were wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ..visit import LIMIT, host_of, take_over

HERE = Path(__file__).parent
# What Chromium itself says of a missing network.
CUT = pytest.mark.console_errors("ERR_|Failed to (load|fetch)|503|422|409")


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    return serve("kept_app:app", HERE, tmp_path_factory.mktemp("kept"), "--no-reload")


@pytest.fixture
def context(chromium):
    return chromium.new_context()


@pytest.fixture
def page(context):
    page = context.new_page()
    page.set_default_timeout(LIMIT)
    return page


def send(page, text, button):
    page.fill("[name=text]", text)
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name=button, exact=True).click()
    return navigation.value


@CUT
def test_the_page_after_an_accepted_write_says_that_it_is_kept_and_shows_it(page, context, server):
    """Case N4: the page that belongs to it lists what this browser has never seen."""
    take_over(page, server.url)
    page.goto(server.url)
    context.set_offline(True)
    answer = send(page, "A broken lamp", "Add")
    assert (answer.status, host_of(answer)) == (503, "browser")
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_have_text("Kept on this device")
    expect(main).to_contain_text(
        "What you did is kept on this device and is sent as soon as there is a connection."
    )
    expect(main).to_contain_text("text: A broken lamp")
    page.goto(server.url)
    expect(page.get_by_role("link", name="A broken lamp")).to_be_visible()
    context.set_offline(False)
    page.get_by_role("link", name="A broken lamp").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A broken lamp")


@CUT
def test_a_comment_on_what_was_made_without_a_network_is_kept_too(page, context, server):
    """Case N5: no browser can run it, and its author has allowed that it happens later."""
    take_over(page, server.url)
    page.goto(server.url)
    context.set_offline(True)
    send(page, "A loose shelf", "Add")
    page.goto(server.url)
    thing = page.get_by_role("link", name="A loose shelf").get_attribute("href")
    kept = page.evaluate(
        """async (path) => {
          const body = new URLSearchParams({ text: "I mend it" });
          const response = await fetch(path, { method: "POST", body });
          return [response.status, response.headers.get("edgekit-pending"), (await response.json()).status];
        }""",
        f"{thing}/comments",
    )
    assert kept == [202, "2", "kept"]
    context.set_offline(False)
    page.wait_for_function("() => globalThis.edgekit.outbox.waiting === 0", timeout=LIMIT)
    page.goto(f"{server.url}{thing}")
    expect(page.get_by_role("main")).to_contain_text("I mend it")


@CUT
def test_an_open_list_corrects_itself_after_a_refusal(page, context, server):
    """Case N6: in the tab that wrote and in another one, but not over what somebody is typing."""
    take_over(page, server.url)
    page.goto(server.url)
    context.set_offline(True)
    send(page, "bad", "Add")
    other, typing = context.new_page(), context.new_page()
    for tab in (other, typing):
        tab.set_default_timeout(LIMIT)
        tab.goto(server.url)
        expect(tab.get_by_role("link", name="bad")).to_have_count(1)
    typing.fill("[name=text]", "half a sen")
    page.bring_to_front()
    expect(page.get_by_role("link", name="bad")).to_have_count(1)
    context.set_offline(False)
    for tab in (page, other):
        expect(tab.get_by_role("link", name="bad")).to_have_count(0, timeout=LIMIT)
    expect(typing.get_by_label("Add")).to_have_value("half a sen")
    typing.fill("[name=text]", "")
    typing.get_by_label("Add").blur()
    expect(typing.get_by_role("link", name="bad")).to_have_count(0, timeout=LIMIT)


def test_the_page_of_the_local_host_lists_what_works_leads_back_and_resets(page, context, shop):
    """Case N15."""
    take_over(page, shop.url)
    for path in ("/", "/cart", "/orders"):
        assert host_of(page.goto(f"{shop.url}{path}")) == "browser"
    page.goto(f"{shop.url}/_edge/browser")
    main = page.get_by_role("main")
    for path in ("/", "/cart", "/orders"):
        expect(main.get_by_role("link", name=path, exact=True).first).to_be_visible()
    assert not re.search(r"\b1 (entries|files|failures)\b", main.inner_text())
    before = page.evaluate("() => caches.keys()")
    main.get_by_text("Reset…").click()
    with page.expect_navigation():
        main.get_by_role("button", name="Reset").click()
    assert page.url == f"{shop.url}/"
    page.wait_for_function("() => globalThis.edgekit?.state.phase === 'ready'", timeout=LIMIT)
    assert "edgekit-catalog" in before
    assert host_of(page.goto(f"{shop.url}/orders")) in ("browser", "native")
    page.goto(f"{shop.url}/")
    page.get_by_role("link", name="Orders", exact=True).click()


@CUT
def test_without_a_network_the_cart_says_what_ordering_needs_and_what_became_of_it(page, context, shop):
    """Case N17."""
    take_over(page, shop.url)
    page.goto(f"{shop.url}/products/sencha-uji")
    with page.expect_navigation():
        page.get_by_role("button", name="Add to cart", exact=True).click()
    note = page.get_by_text("ordering needs a connection")
    expect(note).to_be_hidden()
    page.wait_for_function("() => globalThis.edgekit.outbox.waiting === 0", timeout=LIMIT)
    context.set_offline(True)
    expect(note).to_be_visible()
    expect(page.get_by_role("button", name="Place the order")).to_have_accessible_description(
        re.compile("ordering needs a connection")
    )
    assert host_of(page.reload()) == "browser"
    expect(note).to_be_visible()
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="Place the order", exact=True).click()
    assert navigation.value.status == 503
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_have_text("Your order was not placed")
    expect(main).to_contain_text("Your cart is kept on this device.")
    context.set_offline(False)
    main.get_by_role("link", name="Back to the cart").click()
    expect(page.get_by_role("main")).to_contain_text("Sencha")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="Place the order", exact=True).click()
    page.wait_for_url("**/orders/*")


@CUT
def test_what_is_left_is_the_newest_in_the_browser_too_and_no_page_needs_it(page, context, chromium, shop):
    """Case C3."""
    take_over(page, shop.url)
    assert host_of(page.goto(f"{shop.url}/products/rooibos")) == "browser"
    first = int(re.search(r"(\d+) packs left", page.get_by_role("main").inner_text())[1])
    other = chromium.new_context(service_workers="block").new_page()
    other.goto(f"{shop.url}/products/rooibos")
    other.get_by_role("button", name="Add to cart", exact=True).click()
    other.get_by_role("button", name="Place the order", exact=True).click()
    other.wait_for_url("**/orders/*")
    assert host_of(page.reload()) == "browser"
    expect(page.get_by_role("main")).to_contain_text(f"{first - 1} packs left")
    context.set_offline(True)
    for path in ("/products/rooibos", "/products/hojicha", "/cart"):
        answer = page.goto(f"{shop.url}{path}")
        assert (answer.status, host_of(answer)) == (200, "browser")
