"""What each browser can, asked in the browser itself; docs/browsers.md has the answers as a table.

The table holds for the versions in its head: columns of another version are not compared. With
EDGEKIT_WRITE_TABLE set it is written anew.
"""

from __future__ import annotations

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from .conftest import ENGINES

PROBE = Path(__file__).with_name("probe")
DOCS = Path(__file__).parents[2] / "docs" / "browsers.md"
START, END = "<!-- table: tests/browsers/test_features.py -->\n", "<!-- end -->"
NAMES = {"chromium": ("Chromium", 1), "firefox": ("Firefox", 1), "webkit": ("WebKitGTK", 2)}

NEEDED = {
    "worker": "service workers",
    "cache": "… with Cache Storage",
    "database": "… IndexedDB with strict durability",
    "signatures": "… ES256 signatures (WebCrypto)",
    "compileStreaming": "… streaming compilation of WebAssembly",
}
USED = {
    "private": "service workers in private windows",
    "routes": "static routing (`addRoutes`)",
    "stackSwitching": "JavaScript promise integration (JSPI)",
    "cancelled": "a page that leaves an answer cancels its stream",
    "headFirst": "the head of an answer arrives before its first byte",
    "aborted": "a page that gives up aborts the request's signal",
    "estimate": "`navigator.storage.estimate()`",
    "persist": "`navigator.storage.persist()`",
    "connection": "`navigator.connection`",
    "deviceMemory": "`navigator.deviceMemory`",
}
UNUSED = {
    "streamingUpload": 'streaming request bodies (`duplex: "half"`)',
    "cookieStoreInPage": "`cookieStore` in pages",
    "cookieStore": "`cookieStore` in service workers",
    "sync": "Background Sync",
    "periodicSync": "Periodic Background Sync",
    "backgroundFetch": "Background Fetch",
    "preload": "navigation preload",
    "gzip": "compression streams: gzip",
    "brotli": "compression streams: brotli",
    "privateFiles": "origin private file system in service workers",
    "locks": "Web Locks in service workers",
    "broadcastChannel": "`BroadcastChannel`",
    "urlPattern": "`URLPattern`",
    "responseStatus": "`responseStatus` of the navigation",
}
GROUPS = {"needed": NEEDED, "used where it is there": USED, "not used, or not yet": UNUSED}


@pytest.fixture(scope="module")
def url():
    handler = functools.partial(Quiet, directory=PROBE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def asked(browsers, engine, url, *, private):
    with browsers.open(engine, private=private) as browser:
        browser.goto(url)
        browser.wait("'probe' in globalThis")
        return browser.version, browser.run("return probe()")


@pytest.fixture(scope="module")
def found(browsers, chromium, url):
    """{column of the table: {feature: bool}}"""
    page = chromium.new_context().new_page()  # which is a private one
    page.goto(url)
    page.wait_for_function("() => 'probe' in globalThis")
    answers = page.evaluate("() => probe()")
    page.context.close()
    result = {column("chromium", chromium.version): {**answers, "private": answers["worker"]}}
    for engine in ENGINES:
        version, answers = asked(browsers, engine, url, private=False)
        _, in_private = asked(browsers, engine, url, private=True)
        result[column(engine, version)] = {**answers, "private": in_private["worker"]}
    return result


def column(engine, version):
    name, parts = NAMES[engine]
    return " ".join([name, ".".join(version.split(".")[:parts])])


def rows(found):
    """The cells of the table: first its head, then a row for each feature and each group."""
    yield ["", *found]
    runs = [all(has[name] for name in NEEDED) for has in found.values()]
    yield ["**edgekit runs**", *("in the browser" if it else "at the edge only" for it in runs)]
    for title, group in GROUPS.items():
        yield [f"**{title}**", *("" for _ in found)]
        for name, text in group.items():
            yield [text, *("yes" if has[name] else "no" for has in found.values())]


def in_markdown(cells):
    lines = [f"| {' | '.join(row)} |".replace("|  ", "| ") for row in cells]
    return "\n".join([lines[0], "| --- " * len(cells[0]) + "|", *lines[1:]]) + "\n"


def by_column(table):
    """{column: {row: cell}} of a table in Markdown."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()]
    [_, *names], _, *body = lines
    return {name: {row[0]: row[i] for row in body} for i, name in enumerate(names, 1)}


def test_everything_that_a_browser_host_needs_is_there(found):
    assert [(name, need) for name, has in found.items() for need in NEEDED if not has[need]] == []


def test_the_docs_say_of_these_versions_what_they_show(found):
    before, rest = DOCS.read_text().split(START)
    table, after = rest.split(END)
    fresh = in_markdown(list(rows(found)))
    if os.environ.get("EDGEKIT_WRITE_TABLE"):
        DOCS.write_text(before + START + fresh + END + after)
        table = fresh
    written, seen = by_column(table), by_column(fresh)
    assert {name: cells for name, cells in written.items() if name in seen} == {
        name: cells for name, cells in seen.items() if name in written
    }
