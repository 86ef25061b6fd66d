"""Starts from a memory snapshot: they happen, they do not repeat randomness, and a bad one does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..visit import KEPT, START, stop_worker, take_over

NUMBERS = """async () => {
    for (;;) {
        const response = await fetch("/numbers");
        const numbers = await response.json();
        if (response.headers.get("edgekit-host") === "browser") return numbers;
    }
}"""
SNAPSHOTS = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        for (const { url } of await (await caches.open(name)).keys()) {
            if (url.includes("/_edge/snapshot/")) found.push([name, url]);
        }
    }
    return found;
}"""
DAMAGE = """async ([[name, url]]) => {
    const cache = await caches.open(name);
    const bytes = new Uint8Array(await (await cache.match(url)).arrayBuffer());
    bytes.fill(7, bytes.length >> 1, (bytes.length >> 1) + 512);
    await cache.put(url, new Response(bytes));
}"""
# Nothing but the start itself can find out: the checksum vouches for an interpreter without memory.
SPOIL = """async ([[name, url]]) => {
    const cache = await caches.open(name);
    const [magic, , , size] = new Uint32Array(await (await cache.match(url)).arrayBuffer(), 0, 4);
    const json = new TextEncoder().encode('{"hiwireKeys":[],"immortalKeys":[] }');
    const words = new Uint32Array([magic, size, size, size, json.length, 0]); // of the few words it takes one
    await cache.put(url, new Response(new Blob([words, json])));
}"""


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    data = tmp_path_factory.mktemp("snapshot")
    return serve("snapshot_app:app", Path(__file__).parent, data, "--no-reload").url


@pytest.fixture
def page(chromium, url):
    page = chromium.new_context().new_page()
    take_over(page, url)
    page.evaluate(KEPT)
    return page


def test_a_stopped_worker_comes_back_from_its_snapshot_with_new_randomness(page):
    assert page.evaluate(START)["restored"] is False
    seen = [page.evaluate(NUMBERS)]
    for _ in range(2):
        stop_worker(page)
        seen.append(page.evaluate(NUMBERS))
        assert page.evaluate(START)["restored"] is True
    for name in ("imported", "seeded"):
        assert len({numbers[name] for numbers in seen}) == 1, name
    for name in seen[0]["fresh"]:
        assert len({numbers["fresh"][name] for numbers in seen}) == 3, name


@pytest.mark.parametrize("spoil", [DAMAGE, SPOIL])
def test_a_snapshot_that_does_not_work_is_replaced_by_a_plain_start(page, spoil):
    before = page.evaluate(NUMBERS)
    page.evaluate(spoil, page.evaluate(SNAPSHOTS))
    stop_worker(page)
    after = page.evaluate(NUMBERS)
    assert after["imported"] != before["imported"]
    assert page.evaluate(START)["restored"] is False


@pytest.mark.console_errors("fatal|RangeError|Maximum call stack|pyodide")
def test_an_interpreter_that_came_from_a_snapshot_and_broke_was_the_last_one(page):
    stop_worker(page)
    page.evaluate(NUMBERS)
    assert page.evaluate(START)["restored"] is True
    page.evaluate("fetch('/crash?now')")
    page.evaluate(NUMBERS)
    assert page.evaluate(START)["restored"] is False
    page.wait_for_timeout(1_000)  # in which it would be kept
    stop_worker(page)
    page.evaluate(NUMBERS)
    assert page.evaluate(START)["restored"] is False
