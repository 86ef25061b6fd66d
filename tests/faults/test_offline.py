"""Writes of a real Chromium whose network, tabs, worker and process come and go: each happens once, in order.

As long as EDGEKIT_ROUNDS says, such as `EDGEKIT_ROUNDS=100 python3 build.py test faults -- -s -k rounds`.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Error

from edge.release import history

from ..visit import LIMIT, READY, stop_worker

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("EDGEKIT_ROUNDS", "10"))
SEED = int(os.environ.get("EDGEKIT_SEED", "20261122"))
WRITES = 20
COOKIES_KEPT = 31_000  # ms until Chromium has written cookies to disk
# All of the release is on this device.
COMPLETE = """async () => {
  const { start } = await (await fetch("/_edge/browser")).json();
  return start?.timeline.some(([step]) => step === "complete");
}"""
# What Chromium itself says where the network is missing.
CUT = pytest.mark.console_errors("ERR_|Failed to (load|fetch)|503|422")
POST = """async (text) => {
  const body = new URLSearchParams({ text });
  const response = await fetch("/notes", { method: "POST", body, redirect: "manual" });
  return response.type === "opaqueredirect" ? "" : `${response.status} ${await response.text()}`;
}"""
SERIES = """(texts) => {
  globalThis.written = (async () => { for (const text of texts) if (await post(text)) throw text })();
}"""
# Whether afterwards no other worker is on its way.
UPDATE = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  await registration.update();
  return !registration.installing && !registration.waiting && registration.active?.state === "activated";
}"""
STAMP = """async () => {
  const response = await fetch("/stamp", { method: "POST", body: new URLSearchParams() });
  return [response.status, await response.json()];
}"""
# Another version of the database: whoever has it open has to let go of it.
OUTDATE = """async () => {
  const { version } = (await indexedDB.databases()).find(({ name }) => name === "edgekit");
  const db = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("edgekit", version + 1);
    Object.assign(opening, { onsuccess: () => resolve(opening.result), onerror: reject });
  });
  db.close();
}"""
# Null: an edge has answered, because no worker was there, or one that was just being replaced.
FACTS = """async () => {
  const response = await fetch("/_edge/browser");
  return response.headers.get("edgekit-host") === "browser" ? response.json() : null;
}"""
IDS = "async () => (await fetch('/ids')).json()"
TRUTH = "async () => (await (await fetch('/truth')).json())"


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    return serve("offline_app:app", HERE, tmp_path_factory.mktemp("offline"), "--no-reload")


@pytest.fixture
def link(server, proxy_to):
    """The network between the browser and the server."""
    return proxy_to(server.url)


class Visitor:
    """A browser with the notebook open in one tab."""

    def __init__(self, context, url):
        self.context = context
        self.url = url
        self.page = self.open()

    def open(self):
        """One more tab, whose local host is ready."""
        page = self.context.new_page()
        page.set_default_timeout(LIMIT)
        page.goto(self.url)
        page.wait_for_function(READY, timeout=LIMIT)
        page.wait_for_function(COMPLETE, timeout=LIMIT, polling=200)
        # It has learnt who is here, or it could not make the forms of a page; that may come last.
        deadline = time.monotonic() + LIMIT / 1000
        while page.goto(self.url).headers["edgekit-host"] != "browser":
            assert time.monotonic() < deadline
            page.wait_for_timeout(200)
        return page

    def write(self, text, page=None):
        assert (page or self.page).evaluate(POST, text) == ""

    def submit(self, text):
        """As `write`, by the form; the answer to it."""
        self.page.fill("[name=text]", text)
        with self.page.expect_navigation() as navigation:
            self.page.get_by_role("button", name="Note", exact=True).click()
        return navigation.value

    def lines(self):
        """As the page shows them."""
        self.page.goto(self.url)
        return self.page.locator("#lines li").all_inner_texts()

    def ask(self, question):
        """A page whose guest has become another one is loaded anew at that moment."""
        try:
            return self.page.evaluate(question)
        except Error:
            self.page.wait_for_load_state()
            return self.page.evaluate(question)

    def outbox(self):
        deadline, facts = time.monotonic() + LIMIT / 1000, None
        while (facts := self.ask(FACTS)) is None:
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(100)
        return facts["outbox"]

    def wait_until_sent(self):
        """Until an edge has had the last word on everything."""
        deadline = time.monotonic() + LIMIT / 1000
        while self.outbox()["waiting"] > 0:
            assert time.monotonic() < deadline, self.page.evaluate(FACTS)
            self.page.wait_for_timeout(200)

    def update_until_answered_by(self, host):
        """Until another service worker has taken over. The server may be starting again meanwhile."""
        deadline, is_there = time.monotonic() + LIMIT / 1000, False
        while not is_there:
            assert time.monotonic() < deadline
            with contextlib.suppress(Error):
                found = self.page.goto(self.url).headers["edgekit-host"]
                # An edge answers for a slow host, too: only the worker itself says who it is.
                has_host = self.page.evaluate(FACTS) is not None
                is_settled = self.page.evaluate(UPDATE)
                is_there = is_settled and found == host and has_host == (host == "browser")

    def truth(self):
        return self.ask(TRUTH)


@pytest.fixture
def visitor(chromium, link):
    return Visitor(chromium.new_context(), link.url)


def test_answers_come_before_the_edge_has_them(visitor, link):
    link.delay(2.0)
    began = time.monotonic()
    answer = visitor.submit("one")
    assert time.monotonic() - began < 2.0
    assert (answer.status, answer.headers["edgekit-host"], answer.headers["edgekit-pending"]) == (
        200,
        "browser",
        "1",
    )
    link.heal()
    visitor.wait_until_sent()
    assert visitor.truth() == {"texts": ["one"], "lines": ["one"]}
    assert visitor.outbox()["verdicts"] == {"applied": 1, "replayed": 0, "rejected": 0, "unforeseen": 0}


@CUT
def test_rounds_without_network_tab_and_worker(visitor, link):
    """Offline, 20 writes, a reload, a tab killed, at times the worker too: nothing lost, doubled or moved."""
    chance = random.Random(SEED)
    expected = []
    for number in range(ROUNDS):
        by_switch = chance.random() < 0.5  # the browser knows that it is offline
        visitor.context.set_offline(True) if by_switch else link.cut()
        texts = [f"{number}.{i}" for i in range(WRITES)]
        for i, text in enumerate(texts):
            visitor.submit(text) if i % 5 == 0 else visitor.write(text)
            if i == WRITES // 2:
                visitor.page.reload()
            if chance.random() < 0.1:
                stop_worker(visitor.page)
        expected += texts
        assert visitor.lines() == expected[-45:]
        assert visitor.outbox()["waiting"] == WRITES
        visitor.page.close(run_before_unload=False)
        if by_switch:
            visitor.context.set_offline(False)
        else:
            link.heal()
        visitor.page = visitor.open()
        if chance.random() < 0.5:
            stop_worker(visitor.page)
        visitor.wait_until_sent()
        assert visitor.truth() == {"texts": expected, "lines": expected[-45:]}
        assert visitor.lines() == expected[-45:]
        facts = visitor.outbox()
        assert (facts["rejected"], facts["verdicts"]["unforeseen"]) == (0, 0)
        print(f"round {number + 1}: {len(expected)} writes, each once and in order")


@CUT
def test_rounds_in_which_the_browser_is_killed(open_profile, kill_profile, link, tmp_path):
    """Its process gets SIGKILL right after the last answer; the next one starts without a network.

    In the first round the cookies of the guest are not on disk yet, so what was written is the next guest's.
    What has been made of the first one's name is what it was (case T1).
    """
    expected = []
    visitor = Visitor(open_profile(tmp_path), link.url)
    for number in range(max(2, ROUNDS // 5)):
        link.cut()
        texts = [f"{number}.{i}" for i in range(WRITES)]
        for text in texts:
            visitor.write(text)
        kill_profile(tmp_path)
        expected += texts
        visitor.context = open_profile(tmp_path)
        visitor.page = visitor.context.new_page()
        assert visitor.lines() == expected[-45:]
        foretold = visitor.ask(IDS)
        assert len(set(foretold)) == 5
        link.heal()
        visitor.wait_until_sent()
        assert visitor.truth() == {"texts": expected, "lines": expected[-45:]}
        assert visitor.ask(IDS) == foretold
        visitor.page.wait_for_timeout(COOKIES_KEPT if number == 0 else 0)


@CUT
def test_two_tabs_at_once(visitor, link):
    tabs = {"left": visitor.page, "right": visitor.open()}
    for name, tab in tabs.items():
        tab.evaluate(f"() => {{ globalThis.post = {POST} }}")
        link.cut() if name == "left" else None
        tab.evaluate(SERIES, [f"{name}.{i}" for i in range(WRITES)])
    for tab in tabs.values():
        tab.evaluate("written")
    assert visitor.outbox()["waiting"] == 2 * WRITES
    link.heal()
    for name, tab in tabs.items():
        tab.evaluate(SERIES, [f"{name}.{i}" for i in range(WRITES, 2 * WRITES)])
    for tab in tabs.values():
        tab.evaluate("written")
    visitor.wait_until_sent()
    texts = visitor.truth()["texts"]
    assert len(texts) == 4 * WRITES
    for name in tabs:
        assert [text for text in texts if text.startswith(name)] == [f"{name}.{i}" for i in range(2 * WRITES)]
    assert visitor.lines() == texts[-45:]


@CUT
def test_a_refusal_in_the_middle_holds_nobody_up(visitor, link):
    link.cut()
    for text in ("before", "bad", "behind"):
        visitor.write(text)
    assert visitor.lines() == ["before", "bad", "behind"]
    link.heal()
    visitor.page.wait_for_function("() => edgekit.outbox.rejected === 1", timeout=LIMIT)
    assert visitor.truth() == {"texts": ["before", "behind"], "lines": ["before", "behind"]}
    assert visitor.lines() == ["before", "behind"]
    visitor.page.get_by_role("link", name="1 change refused").click()
    card = visitor.page.get_by_role("listitem").filter(has_text="text: bad")
    assert "The server answered 422: No bad words." in card.inner_text()
    card.get_by_role("link", name="What the server answered").click()
    assert visitor.page.get_by_role("heading", name="No bad words").count() == 1
    visitor.page.go_back()
    card.get_by_role("button", name="Send again").click()  # as a new one, with no better luck
    visitor.page.wait_for_load_state()
    card.get_by_text("Discard…").click()
    card.get_by_role("button", name="Discard").click()
    visitor.page.get_by_role("heading", name="Everything is sent").wait_for()
    assert visitor.truth()["texts"] == ["before", "behind"]


def test_an_answer_that_never_arrives_is_found_out_about(visitor, link):
    link.swallow()
    visitor.submit("one")
    visitor.submit("two")
    visitor.page.wait_for_timeout(1_000)
    link.cut()
    link.heal()
    visitor.wait_until_sent()
    assert visitor.truth() == {"texts": ["one", "two"], "lines": ["one", "two"]}
    assert visitor.outbox()["verdicts"]["unforeseen"] == 0


@CUT
def test_a_second_click_and_going_back_change_nothing(visitor, link):
    link.cut()
    visitor.page.goto(visitor.url)
    visitor.page.fill("[name=text]", "once")
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name="Note", exact=True).dblclick(no_wait_after=True)
    visitor.page.wait_for_load_state()
    assert visitor.lines() == ["once"]
    link.heal()
    visitor.wait_until_sent()
    assert visitor.truth()["texts"] == ["once"]


@CUT
def test_what_only_an_edge_does_waits_for_what_came_before(visitor, link):
    link.cut()
    visitor.write("one")
    status, problem = visitor.page.evaluate(STAMP)
    assert (status, problem["code"], problem["retryable"]) == (503, "needs-edge", True)
    assert "A change that you made before" in problem["detail"]
    link.heal()
    assert visitor.page.evaluate(STAMP) == [200, ["one"]]
    visitor.write("two")
    assert visitor.page.evaluate(STAMP) == [200, ["one", "two"]]


@CUT
def test_what_is_in_the_way_can_be_discarded_where_it_hurts(visitor):
    """case P17: the app says 503 to one write for good."""
    page = visitor.page
    visitor.write("later")
    visitor.write("behind")
    page.wait_for_function("() => edgekit.outbox.waiting === 2 && edgekit.outbox.halted")
    assert visitor.truth()["texts"] == []  # whatever only reads goes on
    page.goto(visitor.url)
    page.evaluate("() => { const form = document.forms[0]; form.action = '/stamp'; form.submit(); }")
    page.get_by_role("heading", name="This was not sent").wait_for()
    card = page.get_by_role("listitem").filter(has_text="text: later")
    assert "the server has not been able to do this (503)" in card.inner_text()
    card.get_by_text("Discard…").click()
    card.get_by_role("button", name="Discard").click()
    page.wait_for_load_state()
    visitor.wait_until_sent()
    assert visitor.truth()["texts"] == ["behind"]


@CUT
@pytest.mark.parametrize("days", [-8, 8, 400])
def test_a_wrong_clock_costs_nothing(visitor, link, days):
    """case P11: it is wrong from now on, near an edge and far from it."""
    [worker] = visitor.context.service_workers
    worker.evaluate(f"() => {{ const now = Date.now; Date.now = () => now() + {days} * 86_400_000; }}")
    visitor.write("near")
    visitor.wait_until_sent()
    link.cut()
    visitor.write("far")
    link.heal()
    visitor.wait_until_sent()
    facts = visitor.outbox()
    assert (facts["rejected"], visitor.truth()["texts"]) == (0, ["near", "far"])


@CUT
def test_a_database_that_was_closed_from_outside_is_opened_again(visitor, link):
    """case H8"""
    link.cut()
    for number in range(3):
        visitor.page.evaluate(OUTDATE)
        visitor.write(str(number))
    assert visitor.outbox()["waiting"] == 3
    link.heal()
    visitor.wait_until_sent()
    assert visitor.truth()["texts"] == ["0", "1", "2"]


@CUT
def test_whoever_signs_out_is_asked_and_what_waits_waits_for_them(visitor):
    page, questions = visitor.page, []
    sign_in(page, "ada")
    visitor.write("now")
    visitor.write("later")
    page.wait_for_function("() => edgekit.outbox.waiting === 1 && edgekit.outbox.halted")
    page.once("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Sign out").click()
    assert "One change has not been sent yet" in questions[0]
    assert page.get_by_role("heading", name="ada").count() == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="nobody").wait_for(timeout=LIMIT)
    assert visitor.outbox()["waiting"] == 0
    page.goto(f"{visitor.url}/_edge/outbox")
    assert "One change of somebody else" in page.get_by_role("main").inner_text()
    assert "later" not in page.content()
    page.evaluate("fetch('/open')")
    for user in ("bob", "ada"):
        page.goto(visitor.url)
        sign_in(page, user)
        visitor.wait_until_sent()
        # Without order: signing out has emptied the state, so both are the first line of theirs.
        assert sorted(visitor.truth()["texts"]) == ([] if user == "bob" else ["later", "now"])
        page.goto(visitor.url)
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="nobody").wait_for(timeout=LIMIT)


@CUT
def test_what_one_release_has_kept_the_next_one_sends(chromium, serve, tmp_path):
    """Also after a time in which browsers had none at all (`edgekit release stop`)."""
    app, data = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    source = Path(shutil.copy(HERE / "offline_app.py", app))
    visitor = Visitor(chromium.new_context(), serve("offline_app:app", app, data).url)
    visitor.write("later")
    history.stop(data / "release")
    visitor.update_until_answered_by("native")
    assert visitor.truth()["texts"] == []
    source.write_text(source.read_text().replace("No bad words", "No such words"))
    visitor.update_until_answered_by("browser")
    assert visitor.outbox()["waiting"] == 1
    visitor.page.evaluate("fetch('/open')")
    visitor.wait_until_sent()
    assert visitor.truth()["texts"] == ["later"]


def sign_in(page, user):
    page.fill("[name=user]", user)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=user).wait_for(timeout=LIMIT)
