"""axe-core (WCAG 2.2 A and AA, and good practice) on every kind of page, light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..visit import take_over

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RUN = """async () => {
    const { violations, passes } = await axe.run(document);
    const told = ({ id, nodes }) => nodes.map((node) => `${id} ${node.target}: ${node.failureSummary}`);
    return [violations.flatMap(told), passes.length];
}"""
LEAST = 10  # rules that apply to any page
LOOKS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]


@pytest.fixture
def check(page):
    """`check(path)`: nothing that axe finds on that page, however it looks."""

    def run(path=None):
        if path is not None:
            page.goto(path)
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(AXE.read_text("utf-8"))
            found, passed = page.evaluate(RUN)
            assert found == [], f"{page.url}, {scheme}, {width} px"
            assert passed >= LEAST

    return run


@pytest.fixture
def page(chromium):
    return chromium.new_context().new_page()


@pytest.mark.console_errors("404|503|ERR_|Failed to fetch")
def test_pages_of_the_shop_and_of_the_kit(page, shop, check):
    take_over(page, shop.url)
    for path in ("/", "/?q=sencha", "/products/sencha-uji", "/account", "/nothing-here", "/_edge/browser"):
        check(shop.url + path)
    page.goto(f"{shop.url}/products/sencha-uji")
    page.get_by_role("button", name="Add to cart", exact=True).click()
    page.wait_for_url("**/cart")
    check()
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url("**/orders/*")
    check()
    check(f"{shop.url}/orders")


@pytest.mark.console_errors("404|503|ERR_|Failed to fetch")
def test_the_outbox_and_the_page_without_a_network(page, shop, check):
    take_over(page, f"{shop.url}/products/sencha-uji")
    check(f"{shop.url}/_edge/outbox")
    page.goto(f"{shop.url}/products/sencha-uji")
    page.context.set_offline(True)
    page.get_by_role("button", name="Add to cart", exact=True).click()
    page.wait_for_url("**/cart")
    check()
    check(f"{shop.url}/_edge/outbox")
    page.get_by_role("listitem").first.wait_for()
    check(f"{shop.url}/account")
