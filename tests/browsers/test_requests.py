"""In Firefox and WebKit: an app sees the same of a request wherever it runs; a lost network looks lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from .webkit import NO_NETWORK

APPS = Path(__file__).parents[1] / "browser"
# What Firefox says of an answer that is a network error, or that nobody waits for.
LOST = rf"{NO_NETWORK}|ServiceWorker|Failed to load|NetworkError|can.t establish a connection|interrupted"
BOTH = """
const [init, ported] = arguments;
const ask = async (path) => (await (ported ? edgekit.fetch : fetch)(path, init)).json();
return [await ask("/h"), await ask("/edge/h")];
"""
INITS = [
    {},
    {"cache": "no-cache"},
    {"mode": "same-origin"},
    {"referrerPolicy": "no-referrer"},
    {"referrerPolicy": "origin"},
    {"headers": {"accept": "text/x"}},
    {"method": "POST", "body": "t=1", "headers": {"content-type": "application/x-www-form-urlencoded"}},
]


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("requests_app:app", APPS, tmp_path_factory.mktemp("requests"), "--no-reload")


@pytest.fixture(scope="module")
def visitor(browsers, engine, served):
    with browsers.visitor(engine, served.url) as visitor:
        yield visitor


def test_a_script_is_seen_alike_here_and_at_an_edge(visitor):
    """case H9, P1, P5"""
    visitor.browser.goto(f"{visitor.url}/?q=1")
    visitor.browser.wait(visitor.browser.READY)
    # Until the page knows its own referrer policy, calls are ordinary requests.
    visitor.browser.run("await edgekit.fetch('/h'); await new Promise((resolve) => setTimeout(resolve, 300))")
    for init in INITS:
        for ported in (False, True):
            here, there = visitor.browser.run(BOTH, init, ported)
            assert (here.pop("by"), there.pop("by")) == ("browser", "native"), init
            assert here["accept-language"]
            assert here == there, (init, ported)


def test_a_form_leads_back_to_its_page(visitor):
    """case H9, P1"""
    for route in ("/back", "/edge/back"):
        visitor.browser.goto(f"{visitor.url}/?action={route}")
        visitor.browser.press("go")
        assert visitor.browser.run("return location.href") == f"{visitor.url}/?action={route}"


@pytest.mark.console_errors(LOST)
def test_a_page_that_hides_its_referrer_may_send_forms(visitor):
    """case P6"""
    for is_cut in (False, True):
        visitor.browser.goto(f"{visitor.url}/?policy=no-referrer&action=/note")
        if is_cut:
            visitor.line.cut()
        visitor.browser.run("document.querySelector('[name=t]').value = arguments[0]", f"cut {is_cut}")
        visitor.browser.press("go")
        assert visitor.browser.answered() == "browser"
    visitor.line.mend()
    visitor.browser.wait("globalThis.edgekit?.outbox.waiting === 0 && edgekit.outbox.rejected === 0")
    visitor.browser.goto(visitor.url)
    notes = visitor.browser.run("return document.getElementById('notes').textContent")
    assert notes.endswith("cut False cut True")


@pytest.mark.console_errors(LOST)
def test_events_go_on_after_an_outage(visitor):
    """case H9, P2"""
    browser, line = visitor.browser, visitor.line
    browser.goto(visitor.url)
    browser.run("""
    window.source = new EventSource("/edge/events");
    Object.assign(window, { heard: 0, broken: 0 });
    source.onmessage = () => void (window.heard += 1);
    source.onerror = () => void (window.broken += 1);
    """)
    browser.wait("window.heard > 0")
    line.cut()
    browser.wait("window.broken > 1")
    assert browser.run("return window.source.readyState") == 0
    line.mend()
    browser.run("window.heard = 0")
    browser.wait("window.heard > 0")
    browser.run("window.source.close()")
