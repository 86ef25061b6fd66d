"""Apps of other frameworks: each opens its first page from the browser's own host. See docs/guests.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ..hosts.conftest import native
from ..visit import LIMIT, host_of, take_over

GUESTS = Path(__file__).parent / "guests"
PAGES = {
    "bottle": ("/?tea=black", "<h1>black</h1>"),
    "datasette065": ("/", "<h1>Datasette</h1>"),
    "django": ("/?tea=black", "<h1>black</h1>"),
    "falcon": ("/?tea=black", "<h1>black</h1>"),
    "flask": ("/?tea=black", "<h1>black</h1>"),
    "litestar": ("/?tea=black", "<h1>black</h1>"),
    "starlette_admin": ("/", "Tea"),
}
COMPLETE = """async () => {
    const { start } = await (await fetch("/_edge/browser")).json();
    return start?.timeline.some(([step]) => step === "complete");
}"""


@pytest.mark.console_errors("")  # what a guest's page loads from elsewhere is not there
@pytest.mark.parametrize("guest", PAGES)
def test_opens_its_first_page_in_the_browser(
    guest: str, build_release: Callable[..., Path], chromium: Browser
) -> None:
    path, text = PAGES[guest]
    release = build_release(f"on_{guest}.app:app", GUESTS)
    with native("stub:app", GUESTS, release) as url:
        page = chromium.new_context().new_page()
        page.set_default_timeout(LIMIT)
        take_over(page, url)
        page.goto(f"{url}{path}")  # whoever answers: what of the guest comes late is asked for
        page.wait_for_function(COMPLETE, timeout=LIMIT, polling=200)
    # Without an edge: one that is quicker than the guest would be preferred.
    response = page.goto(f"{url}{path}")
    assert response is not None
    assert (response.status, host_of(response)) == (200, "browser")
    assert text in response.text()
