"""FastAPI in the browser: pydantic has a native module, which a memory snapshot has to find where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..visit import KEPT, LIMIT, START, stop_worker, take_over

EXAMPLES = Path(__file__).parents[2] / "examples"
ASK = """async ([path, note]) => {
    const headers = { "content-type": "application/json" };
    const init = note ? { method: "POST", headers, body: JSON.stringify(note) } : {};
    const response = await fetch(path, init);
    return [response.headers.get("edgekit-host"), response.status, await response.text()];
}"""
GOOD, BAD = {"text": "first", "stars": 5}, {"text": "", "stars": 9}
READS = [
    ("/notes", None),
    ("/notes/0", None),
    ("/notes/7", None),
    ("/notes/x", None),
    ("/openapi.json", None),
]


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    return serve("notes.app:app", EXAMPLES, tmp_path_factory.mktemp("notes"), "--no-reload").url


@pytest.fixture
def page(chromium):
    return chromium.new_context().new_page()


def ask(page, host, asked):
    """What `host`, and no other, answers."""
    answers = [page.evaluate(ASK, list(one)) for one in asked]
    assert {answered for answered, *_ in answers} == {host}
    return [rest for _, *rest in answers]


@pytest.mark.console_errors("404|422|ERR_|Failed to fetch")
def test_edge_browser_and_snapshot_answer_alike(page, url):
    page.goto(f"{url}/openapi.json")  # no page, so no service worker yet
    by_edge = ask(page, "native", [("/notes", GOOD), *READS])
    refused = ask(page, "native", [("/notes", BAD)])
    assert [status for status, _ in by_edge] == [201, 200, 200, 404, 422, 200]
    assert refused[0][0] == 422
    page.context.clear_cookies()

    take_over(page, url)
    assert ask(page, "browser", [("/notes", GOOD), *READS]) == by_edge
    page.context.set_offline(True)  # near an edge, a write that the browser refuses is left to the edge
    assert ask(page, "browser", [("/notes", BAD)]) == refused
    page.context.set_offline(False)
    page.wait_for_function("() => edgekit.outbox.waiting === 0", timeout=LIMIT)
    assert page.evaluate(START)["restored"] is False

    page.evaluate(KEPT)
    stop_worker(page)
    until(page, f"async () => (await ({START})())?.restored")
    assert ask(page, "browser", READS) == by_edge[1:]
    page.fill("[name=text]", "second")
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="Add").click()
    assert navigation.value.headers["edgekit-host"] == "browser"
    assert page.get_by_role("listitem").all_inner_texts() == ["first", "second"]


def until(page, condition):
    """An asynchronous one, which `wait_for_function` cannot have."""
    for _ in range(LIMIT // 250):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(250)
    raise AssertionError(condition)
