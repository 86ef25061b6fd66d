"""A handler that needs what stays on servers: the browser passes the request on, and has not seen it."""

from __future__ import annotations

from pathlib import Path

import pytest

READY = "() => globalThis.edgekit?.state.phase === 'ready' && navigator.serviceWorker.controller !== null"
ASK = "async (path) => { const r = await fetch(path); return [r.status, r.headers.get('edgekit-host')] }"
SEARCH = """async (text) => {
    const bytes = new TextEncoder().encode(text).join();
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const body = new Uint8Array(await (await cache.match(request)).arrayBuffer());
            for (let at = body.indexOf(111); at >= 0; at = body.indexOf(111, at + 1)) {
                if (body.subarray(at, at + text.length).join() === bytes) return request.url;
            }
        }
    }
    return null;
}"""


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("home_app:app", Path(__file__).parent, tmp_path_factory.mktemp("home"), "--no-reload")


def test_the_browser_leaves_it_to_the_edge(chromium, served):
    page = chromium.new_context().new_page()
    page.goto(served.url)
    page.wait_for_function(READY, timeout=90_000)
    assert page.evaluate(ASK, "/") == [200, "browser"]
    assert page.evaluate(ASK, "/secret") == [200, "native"]
    assert page.evaluate(SEARCH, "only servers may know this") is None


def test_no_published_file_has_it(served):
    files = [path for path in (served.data / "release").rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if b"only servers may know" in path.read_bytes()] == []
