"""The pool in a real Chromium: with an edge that is slow, gone or silent, and an app that misbehaves."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2 as httpx
import pytest

from ..visit import LIMIT, READY, host_of, stop_worker

HERE = Path(__file__).parent
# As fetch(), but without what the page's own cache would say.
ASK = "async (path) => { const r = await fetch(path); return [r.status, r.headers.get('edgekit-host')] }"
INSPECT = """async () => {
  const r = await fetch('/_edge/browser', { headers: { accept: 'application/json' } })
  return r.json()
}"""
SNAPSHOT = f"async () => JSON.stringify((await ({INSPECT})()).caches).includes('/_edge/snapshot/')"
PATIENCE = 30  # seconds


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("pool_app:app", HERE, tmp_path_factory.mktemp("pool"), "--no-reload")


@pytest.fixture
def proxy(served, proxy_to):
    return proxy_to(served.url)


@pytest.fixture
def context(chromium, proxy):
    context = chromium.new_context()
    yield context
    proxy.heal()
    context.close()


@pytest.fixture
def page(context, proxy):
    """A page whose own host is ready, and has a snapshot to start from."""
    page = context.new_page()
    page.goto(proxy.url)
    page.wait_for_function(READY, timeout=LIMIT)
    latest = time.monotonic() + PATIENCE
    while not page.evaluate(SNAPSHOT):  # Playwright's own conditions may not be asynchronous
        assert time.monotonic() < latest
        page.wait_for_timeout(100)
    return page


def inspect(page):
    return page.evaluate(INSPECT)


def is_restored(page):
    start = inspect(page)["start"]
    return start is not None and start["restored"]


def test_a_stopped_worker_on_a_slow_network_answers_itself(page, proxy):
    proxy.delay(20)
    stop_worker(page)
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    assert is_restored(page)


def test_a_stopped_worker_without_a_network_answers_itself(page, proxy):
    proxy.cut()
    stop_worker(page)
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    assert is_restored(page)


@pytest.mark.console_errors("503|ERR_|Failed to load resource")
def test_the_network_goes_and_comes_back(page, proxy):
    assert host_of(page.goto(f"{proxy.url}/record")) == "browser"
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    proxy.cut()
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    lost = page.goto(f"{proxy.url}/edge-only")
    assert (lost.status, host_of(lost)) == (503, "browser")
    # What works without the network is known from experience: /record has needed it.
    assert page.get_by_role("list").get_by_role("link").all_inner_texts() == ["Start page"]
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") != "none"
    with page.expect_navigation():
        page.get_by_role("link", name="Start page").click()
    assert page.get_by_role("heading", name="start").is_visible()
    proxy.heal()
    back = page.goto(f"{proxy.url}/edge-only")
    assert (back.status, host_of(back)) == (200, "native")


@pytest.mark.console_errors("503|Failed to load resource")
def test_a_silent_edge_ends_in_an_honest_answer(page, proxy):
    proxy.swallow()
    lost = page.goto(f"{proxy.url}/edge-only", timeout=90_000)
    assert (lost.status, host_of(lost)) == (503, "browser")
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    errors = inspect(page)["errors"]
    assert any("does not even answer whether it is there" in error["what"] for error in errors)


def test_a_handler_that_waits_too_long_goes_to_the_edge_and_next_time_at_once(page, proxy):
    assert host_of(page.goto(f"{proxy.url}/wait?now")) == "native"
    before = inspect(page)
    assert list(before["routes"]["slow"]) == ["/wait"]
    assert host_of(page.goto(f"{proxy.url}/wait?now")) == "native"
    assert inspect(page)["answers"] == {**before["answers"], "edge": before["answers"]["edge"] + 1} | {
        "static": inspect(page)["answers"]["static"]
    }


def test_a_handler_that_blocks_is_left_to_the_edge_next_time_also_by_the_next_worker(page, proxy):
    assert host_of(page.goto(f"{proxy.url}/block?now")) == "browser"
    assert host_of(page.goto(f"{proxy.url}/block?now")) == "native"
    stop_worker(page)
    assert host_of(page.goto(f"{proxy.url}/block?now")) == "native"
    assert "/block" in inspect(page)["routes"]["slow"]


@pytest.mark.console_errors("fatal|RangeError|Maximum call stack|pyodide")
def test_an_interpreter_that_dies_is_replaced_and_the_page_does_not_notice(page, proxy):
    crashed = page.goto(f"{proxy.url}/crash?now")
    assert (crashed.status, host_of(crashed)) == (200, "native")
    assert "Maximum call stack" in str(inspect(page)["errors"])
    page.wait_for_function(
        f"async () => (await ({ASK})('/data'))[1] === 'browser'", timeout=60_000, polling=500
    )


@pytest.mark.console_errors("status of 500|ERR_")
def test_a_mistake_that_happens_only_here_is_shown_only_if_no_edge_answers(page, proxy):
    """Cases P4, P26."""
    assert page.evaluate(ASK, "/fail?now") == [200, "native"]
    proxy.cut()
    assert page.evaluate(ASK, "/fail?now") == [500, "browser"]
    page.wait_for_function(
        f"async () => JSON.stringify((await ({INSPECT})()).errors).includes('a mistake in the app')"
    )


def test_calls_through_the_port_are_answered_by_the_local_host(page, proxy):
    call = "async () => { const r = await edgekit.fetch('/data'); return [r.status, (await r.json()).host] }"
    before = inspect(page)["answers"]["local"]
    assert page.evaluate(call) == [200, "browser"]
    assert inspect(page)["answers"]["local"] == before + 1
    ask = "async () => (await edgekit.fetch('/edge-only')).headers.get('edgekit-host')"
    assert page.evaluate(ask) == "native"
    stop_worker(page)
    assert page.evaluate(call)[0] == 200


def test_it_says_what_it_knows_about_itself_without_a_network(page, proxy):
    proxy.cut()
    response = page.goto(f"{proxy.url}/_edge/browser")
    assert (response.status, host_of(response)) == (200, "browser")
    text = page.get_by_role("main").inner_text()
    assert "pool_app:app" in text
    assert "edgekit-release-" in text


def test_without_a_service_worker_nobody_knows_about_the_browser(served):
    answer = httpx.get(f"{served.url}/_edge/browser")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_device_that_saves_data_downloads_nothing(chromium, proxy):
    context = chromium.new_context()
    context.add_init_script(
        "Object.defineProperty(navigator, 'connection', { get: () => ({ saveData: true }) })"
    )
    page = context.new_page()
    paths = []
    page.on("request", lambda request: paths.append(request.url.removeprefix(proxy.url)))
    page.goto(proxy.url)
    page.wait_for_function("() => globalThis.edgekit?.state.reason")
    assert page.evaluate("() => edgekit.state.phase") == "idle"
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    assert [path for path in paths if "sw.js" in path or "pyodide" in path] == []
    assert page.get_by_text("local host: not available (the browser is asked to save data)").is_visible()
    page.evaluate("() => edgekit.start({ anyway: true })")
    page.wait_for_function(READY, timeout=LIMIT)


def test_the_strip_never_says_what_is_not_so(page, proxy, context):
    context.add_init_script("""
      globalThis.seen = []
      const look = () => {
        const text = document.querySelector('edgekit-strip')?.shadowRoot?.textContent
        if (text) seen.push(text)
        requestAnimationFrame(look)
      }
      look()
    """)
    assert host_of(page.goto(f"{proxy.url}/")) == "browser"
    page.wait_for_function("() => seen.length > 20")
    texts = set(page.evaluate("() => seen"))
    assert {text for text in texts if "none" in text or "starting" in text} == set()
    assert page.evaluate("() => edgekit.whoAnswered.host") == "browser"
    assert page.get_by_text("local host: ready").is_visible()


def test_a_large_upload_passes_whole(page, proxy):
    send = """async (size) => {
      const r = await fetch('/upload', { method: 'POST', body: new Blob([new Uint8Array(size)]) })
      return [r.status, await r.text()]
    }"""
    assert page.evaluate(send, 50_000_000) == [200, "50000000"]
