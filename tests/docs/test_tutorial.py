"""docs/tutorial.md, followed from an empty folder with nothing but a checkout (case N18)."""

from __future__ import annotations

import socket

import pytest

from ..visit import LIMIT, host_of, take_over
from .reader import Reader

PAGE = "tutorial.md"
SETTLED = "() => edgekit.outbox.waiting === 0"
# Every host answers with the new code: it knows nothing of what the old one kept.
CHANGED = """async () => {
  for (;;) {
    const answer = await fetch("/", { headers: { accept: "text/html" } });
    const host = answer.headers.get("edgekit-host");
    if (host === "browser" && !(await answer.text()).includes("Bread")) return;
    await (await navigator.serviceWorker.getRegistration("/")).update();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}"""


@pytest.fixture
def reader(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # 8000 may be somebody else's on this machine.
    instead = {":8000": f":{port}", "serve groceries:app": f"serve groceries:app --port {port}"}
    somebody = Reader(tmp_path, instead=instead)
    somebody.url = f"http://127.0.0.1:{port}"
    yield somebody
    somebody.end()


def add(page, item):
    page.get_by_label("Buy").fill(item)
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="Add").click()
    return host_of(navigation.value)


def items(page):
    return page.get_by_role("listitem").all_inner_texts()


@pytest.mark.console_errors("ERR_|Failed to (load|fetch)|503")
def test_a_stranger_writes_without_a_network(reader, chromium):
    reader.follow(PAGE, "1. Install", "2. Write an app", "3. Run it")
    context = chromium.new_context()
    page = context.new_page()
    assert host_of(take_over(page, reader.url)) == "native"

    context.set_offline(True)
    assert host_of(page.reload()) == "browser"
    assert [add(page, item) for item in ("Bread", "Milk")] == ["browser", "browser"]
    assert items(page) == ["Bread", "Milk"]
    page.get_by_role("link", name="2 changes not sent").wait_for(timeout=LIMIT)
    context.set_offline(False)
    page.wait_for_function(SETTLED, timeout=LIMIT)
    elsewhere = chromium.new_context(
        storage_state=context.storage_state(), service_workers="block"
    ).new_page()
    assert host_of(elsewhere.goto(reader.url)) == "native"
    assert items(elsewhere) == ["Bread", "Milk"]

    reader.follow(PAGE, "5. Keep what must last")
    page.evaluate(CHANGED)
    page.reload()
    assert add(page, "Eggs") == "browser"
    page.wait_for_function(SETTLED, timeout=LIMIT)
    context.set_offline(True)
    assert add(page, "Salt") == "browser"
    assert items(page) == ["Eggs", "Salt"]
    context.set_offline(False)
    page.wait_for_function(SETTLED, timeout=LIMIT)
    elsewhere.reload()
    assert items(elsewhere) == ["Eggs", "Salt"]

    reader.follow(PAGE, "6. Test it")
