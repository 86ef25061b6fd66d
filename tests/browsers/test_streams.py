"""Long answers in Firefox and WebKit: they arrive part by part, and Python sees who leaves."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from .line import Line

APPS = Path(__file__).parents[1] / "hosts" / "apps"
MEGABYTE = 1024 * 1024
JOIN = """
const script = Object.assign(document.createElement("script"), { type: "module", src: "/_edge/page.js" });
document.head.append(script);
"""
# Asks the interpreter what has ended in it, until something has.
ENDED = """
for (;;) {
  const { finally: ended = 0 } = await (await fetch("/tell")).json();
  if (ended > 0) return ended;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
"""


@pytest.fixture(scope="module")
def streams(serve, tmp_path_factory):
    return serve("streams:app", APPS, tmp_path_factory.mktemp("streams"), "--no-reload")


@pytest.fixture(scope="module")
def visitor(browsers, engine, streams):
    """The browser and the line, once the browser's own host has taken over."""
    with Line(streams.url) as line, browsers.open(engine) as browser:
        browser.goto(f"{line.url}/ok")
        browser.run(JOIN)  # the app has no pages that the kit could add it to
        browser.wait(browser.READY)
        yield browser, line


@pytest.fixture
def browser(visitor):
    """On a page that the browser itself has answered, with nothing left from other tests."""
    browser, line = visitor
    assert browser.visit(f"{line.url}/ok") == "browser"
    browser.run("await fetch('/tell')")
    yield browser
    assert not line.requests("GET /ticks")


def test_events_arrive_while_the_app_goes_on_and_closing_reaches_it(browser):
    script = """
    const source = new EventSource("/ticks");
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => (source.onmessage = resolve));
    source.close();
    """
    assert browser.run(script + ENDED) == 1


def test_an_abort_reaches_the_app(browser):
    script = """
    const abort = new AbortController();
    const response = await fetch("/ticks", { signal: abort.signal });
    const reading = response.text().catch((error) => error.name);
    abort.abort();
    const name = await reading;
    if (name !== "AbortError") throw new Error(name);
    """
    assert browser.run(script + ENDED) == 1


def test_a_page_that_is_left_takes_its_streams_along(browser, visitor):
    browser.run("await (await fetch('/ticks')).body.getReader().read()")
    browser.goto(f"{visitor[1].url}/ok")
    assert browser.run(ENDED) == 1


def test_fifty_megabytes_come_through(browser):
    script = """
    const digest = await crypto.subtle.digest("SHA-256", await (await fetch("/download")).arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    """
    assert browser.run(script) == hashlib.sha256(b"d" * 50 * MEGABYTE).hexdigest()


def test_an_upload_passes_through_the_worker_to_the_edge(browser):
    script = """
    const file = new File([new Uint8Array(arguments[0]).fill(7)], "leaf.bin");
    const fields = new FormData();
    fields.set("file", file);
    const put = await fetch("/upload", { method: "PUT", body: file });
    const posted = await fetch("/form", { method: "POST", body: fields });
    return [await put.json(), await posted.json()];
    """
    sent = [5 * MEGABYTE, hashlib.sha256(b"\7" * 5 * MEGABYTE).hexdigest()]
    assert browser.run(script, 5 * MEGABYTE) == [sent, sent]
