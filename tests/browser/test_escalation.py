"""What the browser's own host cannot answer exactly as an edge would, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..visit import LIMIT, READY, stop_worker

HERE = Path(__file__).parent
ASK = (
    "async (path) => { const r = await fetch(path); return [await r.text(), r.headers.get('edgekit-host')] }"
)
INSPECT = """async () => {
  const r = await fetch('/_edge/browser', { headers: { accept: 'application/json' } })
  return r.json()
}"""


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("escalation_app:app", HERE, tmp_path_factory.mktemp("escalation"), "--no-reload")


@pytest.fixture
def page(chromium, served):
    context = chromium.new_context(http_credentials={"username": "ann", "password": "tea"})
    page = context.new_page()
    page.goto(served.url)
    page.wait_for_function(READY, timeout=LIMIT)
    yield page
    context.close()


def test_cookies_are_read_and_set_as_without_a_worker(page):
    """Case P3."""
    assert page.evaluate(ASK, "/theme") == ["None", "native"]
    assert page.evaluate(ASK, "/theme") == ["dark", "native"]
    assert page.evaluate(ASK, "/only-sets") == ["set", "native"]
    text, host = page.evaluate(ASK, "/seen")
    assert host == "native"
    assert '"only":"set"' in text


def test_a_challenge_comes_from_an_edge(page):
    """Case P27: only to an edge's does a browser answer with a name and a password."""
    assert page.evaluate(ASK, "/basic") == ["known", "native"]
    assert page.evaluate(ASK, "/basic") == ["known", "native"]


def test_a_coded_body_is_decoded(page):
    """Case P13."""
    assert page.evaluate(ASK, "/coded") == ["hello " * 100, "native"]


@pytest.mark.parametrize(
    ("path", "text"),
    [("/thread", "from a thread"), ("/own-words?now", "no error"), ("/own-words", "no error")],
)
def test_what_fails_only_here_is_answered_by_an_edge(page, path, text):
    """Cases P4, P26: also where the app has words of its own for it."""
    assert page.evaluate(ASK, path) == [text, "browser" if path == "/own-words" else "native"]


def test_a_file_behind_middleware_is_whole(page):
    """Case P23."""
    assert page.evaluate(ASK, "/marked/file")[0] == (HERE / "escalation.txt").read_text()


READ = """async (path) => {
  const response = await fetch(path)
  const parts = []
  for await (const part of response.body) parts.push(new TextDecoder().decode(part))
  return [parts, response.headers.get('edgekit-host')]
}"""


def test_parts_of_a_generator_that_blocks_arrive_one_by_one(page):
    """Case P20."""
    assert page.evaluate(READ, "/parts") == [[f"part {number}\n" for number in range(4)], "browser"]


# Until the worker has noted on disk that it runs a route. Its thread answers nobody then, but the disk does.
NOTED = """async (path) => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
  const database = await done(indexedDB.open('edgekit'))
  for (;;) {
    const notes = await done(database.transaction('notes').objectStore('notes').getAllKeys())
    if (notes.some((name) => name.endsWith(` ${path}`))) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  database.close()
}"""


@pytest.mark.console_errors("ERR_FAILED|Failed to fetch|net::")
@pytest.mark.parametrize("path", ["/spin", "/expression"])
def test_a_route_that_kills_the_worker_is_left_to_edges(page, path):
    """Case P24: the note reaches the disk although the worker's thread never runs again."""
    assert page.evaluate(ASK, path) == ["it ends", "browser"]
    page.evaluate("(path) => void fetch(path).catch(() => {})", f"{path}?now")
    page.evaluate(NOTED, path)
    stop_worker(page)
    assert page.evaluate(ASK, f"{path}?now") == ["it ends", "native"]
    assert list(page.evaluate(INSPECT)["routes"]["deadly"]) == [path]
    here = f"async () => (await ({ASK})('/'))[1] === 'browser'"
    page.wait_for_function(here, timeout=LIMIT, polling=500)  # the next worker's own host is well
