"""What tests do with a page of an app that runs in the browser, too."""

from __future__ import annotations

from playwright.sync_api import Page, Response

LIMIT = 90_000  # ms; the machine may be busy
READY = "() => globalThis.edgekit?.state.phase === 'ready' && navigator.serviceWorker.controller !== null"


def take_over(page: Page, url: str) -> Response | None:
    """The first visit, and the wait until the browser's own host is ready."""
    first = page.goto(url)
    page.wait_for_function(READY, timeout=LIMIT)
    return first


def host_of(response: Response) -> str:
    """Who has answered."""
    return response.headers["edgekit-host"]


def stop_worker(page: Page) -> None:
    """As the browser does with a worker that was idle for too long."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    devtools.send("ServiceWorker.stopAllWorkers")
    devtools.detach()
