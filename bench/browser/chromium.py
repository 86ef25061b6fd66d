"""Chromium processes with a profile of their own, and what the measures ask of their pages."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright

IN_PAGE = Path(__file__).with_name("in_page.js").read_text("utf-8")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000  # ms


class Profile:
    """A folder that outlives the browser processes which use it."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self._playwright = playwright
        self._folder = folder

    @contextlib.contextmanager
    def browser(self, **options: Any) -> Iterator[Page]:
        """The page of a fresh browser process."""
        program = os.environ.get("EDGEKIT_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        context = self._playwright.chromium.launch_persistent_context(
            self._folder, executable_path=program, args=SWITCHES, **options
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(IN_PAGE)
        try:
            yield context.pages[0]
        finally:
            context.close()


@contextlib.contextmanager
def profile(playwright: Playwright) -> Iterator[Profile]:
    """A profile that knows nothing."""
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-", ignore_cleanup_errors=True) as folder:
        yield Profile(playwright, Path(folder))


def stop_worker(page: Page) -> None:
    """Let the browser stop its service workers, as it does with idle ones, and wait until they are gone."""
    running: dict[str, str] = {}

    def note(event: dict[str, Any]) -> None:
        running.update({version["versionId"]: version["runningStatus"] for version in event["versions"]})

    devtools = page.context.new_cdp_session(page)
    devtools.on("ServiceWorker.workerVersionUpdated", note)
    devtools.send("ServiceWorker.enable")
    devtools.send("ServiceWorker.stopAllWorkers")
    while not running or set(running.values()) != {"stopped"}:
        page.wait_for_timeout(5)
    devtools.detach()


def received(context: BrowserContext) -> dict[str, int]:
    """Counts, from now on: URL -> bytes of its responses on the wire, for pages and service workers."""
    counts: dict[str, int] = {}

    def note(request: Any) -> None:
        with contextlib.suppress(Exception):
            sizes = request.sizes()
            found = sizes["responseBodySize"] + sizes["responseHeadersSize"]
            counts[request.url] = counts.get(request.url, 0) + found

    context.on("requestfinished", note)
    return counts
