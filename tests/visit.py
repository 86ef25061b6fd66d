"""What tests do with a page of an app that runs in the browser, too."""

from __future__ import annotations

from playwright.sync_api import Page, Response

LIMIT = 90_000  # ms; the machine may be busy
READY = "() => globalThis.edgekit?.state.phase === 'ready' && navigator.serviceWorker.controller !== null"

START = """async () => {
    const answer = await fetch("/_edge/browser", { headers: { accept: "application/json" } });
    return (await answer.json()).start;
}"""
# Until the first start has left one; a condition of Playwright's own may not be asynchronous.
KEPT = """async () => {
    const latest = performance.now() + 30_000;
    while (performance.now() < latest) {
        const names = await caches.keys();
        const lists = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        if (lists.flat().some(({ url }) => url.includes("/_edge/snapshot/"))) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("there is no snapshot");
}"""


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
