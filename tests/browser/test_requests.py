"""What an app sees of a request is the same wherever it runs; what a missing network does, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..visit import LIMIT, take_over

HERE = Path(__file__).parent
POLICIES = [
    "no-referrer",
    "origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
FORM = {"content-type": "application/x-www-form-urlencoded"}
OFFLINE = pytest.mark.console_errors("ERR_|Failed to (load|fetch)|503")
FAVICON = pytest.mark.console_errors("favicon")  # of an answer that is no page
ASK = """async ([path, init]) => {
  const response = await fetch(path, init);
  return response.json();
}"""
CALL = ASK.replace("await fetch", "await edgekit.fetch")


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    return serve("requests_app:app", HERE, tmp_path_factory.mktemp("requests"), "--no-reload")


@pytest.fixture
def link(served, proxy_to):
    return proxy_to(served.url)


@pytest.fixture
def page(chromium, link):
    page = chromium.new_context().new_page()
    page.set_default_timeout(LIMIT)
    take_over(page, link.url)
    page.goto(f"{link.url}/?q=1")
    return page


def seen_on(page, path, init=None, ask=ASK):
    return page.evaluate(ask, [path, init or {}])


INITS = [
    {},
    {"cache": "no-cache"},
    {"cache": "reload"},
    {"mode": "same-origin"},
    {"referrer": ""},
    {"headers": {"accept": "text/x", "accept-language": "fr"}},
    {"referrerPolicy": "no-referrer"},
    {"referrerPolicy": "origin"},
    {"credentials": "omit"},
    {"method": "POST", "body": "t=1", "headers": FORM},
    {"method": "POST", "referrerPolicy": "no-referrer"},
]


def test_a_script_is_seen_alike_here_and_at_an_edge(page):
    """case P5, P1: by fetch, and through the port."""
    wait_for_port(page)
    for init in INITS:
        for ask in (ASK, CALL):
            here, there = (seen_on(page, f"{path}?hints", init, ask) for path in ("/h", "/edge/h"))
            assert (here.pop("by"), there.pop("by")) == ("browser", "native"), init
            assert here["accept-language"]
            assert here == there, init


def wait_for_port(page):
    """Until the page knows its own referrer policy, calls are ordinary requests."""
    page.evaluate("() => edgekit.fetch('/h')")
    page.wait_for_timeout(200)


@FAVICON
def test_a_page_decides_what_is_said_of_it(page, link):
    """case P1, P5: Referrer-Policy, for scripts, calls through the port, links and forms."""
    for policy in POLICIES:
        shown = {}
        for route in ("/h", "/edge/h"):
            page.goto(f"{link.url}/?policy={policy}&action={route}")
            page.evaluate(f"async () => {{ const ask = {CALL}; await ask(['{route}', {{}}]); }}")
            page.wait_for_timeout(100)
            asked = [seen_on(page, route, {}, ask).get("referer") for ask in (ASK, CALL)]
            with page.expect_navigation():
                page.get_by_role("button", name="go").click()
            answer = json.loads(page.locator("body").inner_text())
            form = [answer.get(name) for name in ("referer", "sec-fetch-mode", "sec-fetch-dest")]
            page.goto(f"{link.url}/?policy={policy}&action={route}")
            page.evaluate("(to) => void (location.href = to)", route)
            page.wait_for_url(f"{link.url}{route}")
            link_followed = json.loads(page.locator("body").inner_text()).get("referer")
            shown[route] = [
                (one or "").replace(f"action={route}", "") for one in [*asked, *form, link_followed]
            ]
        assert shown["/h"] == shown["/edge/h"], policy


def test_back_to_where_it_came_from(page, link):
    """case P1: escalated, sent to an edge, and kept while there was none."""
    for route in ("/back", "/edge/back"):
        page.goto(f"{link.url}/?action={route}")
        with page.expect_navigation():
            page.get_by_role("button", name="go").click()
        assert page.url == f"{link.url}/?action={route}"
    link.cut()
    body = {"method": "POST", "body": "t=kept", "headers": FORM}
    assert seen_on(page, "/h", body)["referer"] == page.url
    link.heal()
    page.wait_for_function("() => edgekit.outbox.waiting === 0")


@OFFLINE
def test_a_page_that_hides_its_referrer_may_send_forms(page, link):
    """case P6: as a guest and signed in on this device, with a network and without one."""
    for _ in range(2):
        page.goto(f"{link.url}/?policy=no-referrer")
        for text, is_cut in (("near", False), ("far", True)):
            page.fill("[name=t]", text)
            if is_cut:
                link.cut()
            with page.expect_navigation() as answer:
                page.get_by_role("button", name="go").click()
            assert answer.value.status == 200
            page.goto(f"{link.url}/?policy=no-referrer")
            assert page.locator("#notes").inner_text().endswith(text)
        link.heal()
        # A page of somebody else than who is here now is loaded anew.
        page.wait_for_function(
            "() => globalThis.edgekit?.outbox.waiting === 0 && edgekit.outbox.rejected === 0"
        )
        page.goto(f"{link.url}/")
        page.get_by_role("button", name="sign in").click()
        page.wait_for_load_state()


@pytest.mark.console_errors("403|favicon")
def test_a_form_of_another_site_that_hides_its_referrer_does_nothing(page, link):
    """case P6: it reaches the edge as what it is."""
    page.goto("about:blank")
    page.set_content(f'<form method="post" action="{link.url}/h"><input name="t"><button>go</button></form>')
    page.fill("[name=t]", "foreign")
    with page.expect_navigation() as answer:
        page.get_by_role("button", name="go").click()
    assert (answer.value.status, answer.value.headers["edgekit-host"]) == (403, "native")
    assert "a page of another site sent this" in page.locator("body").inner_text()
    page.goto(link.url)
    assert "foreign" not in page.locator("#notes").inner_text()


@OFFLINE
def test_without_a_network_whatever_is_no_page_fails_as_without_a_worker(page, link):
    """case P2"""
    link.cut()
    outcomes = page.evaluate("""async () => {
      const failed = (work) => work.then(() => "answered", (error) => error.name);
      const loaded = (element) => new Promise((resolve) => {
        Object.assign(element, { onload: () => resolve("loaded"), onerror: () => resolve("error") });
        document.body.append(element);
      });
      const asked = new XMLHttpRequest();
      asked.open("GET", "/edge/h");
      const xhr = new Promise((resolve) => (asked.onloadend = () => resolve(asked.status)));
      asked.send();
      return [
        await failed(fetch("/edge/h")),
        await failed(fetch("/edge/h", { method: "POST" })),
        await failed(edgekit.fetch("/edge/h")),
        await loaded(Object.assign(new Image(), { src: "/edge/picture" })),
        await xhr,
      ];
    }""")
    assert outcomes == ["TypeError", "TypeError", "TypeError", "error", 0]
    assert page.goto(f"{link.url}/edge").status == 503


@OFFLINE
def test_events_go_on_after_an_outage(page, link):
    """case P2: an EventSource connects again by itself, unless it was given an answer."""
    page.evaluate("""() => {
      globalThis.source = new EventSource("/edge/events");
      source.onmessage = () => void (globalThis.heard = (globalThis.heard ?? 0) + 1);
      source.onerror = () => void (globalThis.broken = (globalThis.broken ?? 0) + 1);
    }""")
    page.wait_for_function("() => globalThis.heard > 0")
    link.cut()
    page.wait_for_function("() => globalThis.broken > 1")
    assert page.evaluate("() => source.readyState") == 0
    link.heal()
    page.evaluate("() => void (globalThis.heard = 0)")
    page.wait_for_function("() => globalThis.heard > 0")
